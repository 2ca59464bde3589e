/* Compiles as C99 on its own, with nothing included before it. */
#include "scabbard/scabbard.h"

/* The values that the interface fixes: no release may change them. */
typedef char error_codes_are_fixed[SCB_OK == 0 && SCB_ENOT_FOUND == 1 && SCB_EINTERNAL == 17 ? 1 : -1];
typedef char version_holds_127_bytes[sizeof(((scb_object_info *)0)->version) == 128 ? 1 : -1];

const char *capi_code_name_from_c99(int32_t code) { return scb_code_name(code); }
