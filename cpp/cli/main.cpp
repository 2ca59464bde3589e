// The executable `scabbard`.
#include "cli/command_line.hpp"

int main(int argc, char** argv) { return scabbard::cli::run(argc, argv); }
