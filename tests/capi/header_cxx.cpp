// Compiles as C++ on its own, from C++11 on, and declares functions with C linkage.
#include "scabbard/scabbard.h"

extern "C" const char *capi_code_name_from_cxx(int32_t code) { return scb_code_name(code); }
