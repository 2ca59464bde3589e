// Generated at build time: see cmake/build_id.cmake.
#pragma once

namespace scabbard {

/// The release and a hash over sources, compiler and flags: "0.1.0-0123456789abcdef".
const char* build_id() noexcept;

}  // namespace scabbard
