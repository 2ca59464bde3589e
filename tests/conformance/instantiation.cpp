// The list of providers is a loop: every test of the suite runs for each of them.
#include "conformance/store_test.hpp"

namespace scabbard {

INSTANTIATE_TEST_SUITE_P(Stores, Conformance, ::testing::ValuesIn(providers()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace scabbard
