// The suite, or one of the parts that it plays in another process.
#include <gmock/gmock.h>

#include <string_view>

#include "conformance/provider.hpp"
#include "support/child_process.hpp"

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--abandon-writer") scabbard::be_abandoned(argv[2], argv[3], argv[4]);
  scabbard::become_nobody_if_asked();
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
