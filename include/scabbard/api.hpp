/// @file
/// What the library shows to other programs. Everything else in it is hidden.
///
/// A function that is declared here and not defined is exported: it, or its class, carries SCABBARD_API.
/// tests/capi/exports.sh compares the headers with the library.
#pragma once

#if !defined(__cplusplus) || __cplusplus <= 202002L
#error "scabbard's C++ headers need C++23 (g++ -std=c++23); scabbard/scabbard.h is for C and older C++"
#endif

/// Marks what libscabbard exports. Inline members stay with the program that uses them.
#define SCABBARD_API __attribute__((visibility("default")))
