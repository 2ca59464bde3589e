#include "conformance/posix_store_test.hpp"

namespace scabbard::posix {

INSTANTIATE_TEST_SUITE_P(Files, PosixStoreTest, ::testing::Values(Settings::Guard::kNever, Settings::Guard::kAlways),
                         [](const auto& tested) { return ::testing::PrintToString(tested.param); });

}  // namespace scabbard::posix
