// Objects from standard input and to standard output. What waits for the other end of a pipe ends with its context.
#pragma once

#include <string_view>

#include "scabbard/store.hpp"

namespace scabbard::cli {

/// Stores what is left of standard input: by the kernel where that is a file.
Result<WriteInfo> put_standard_input(const Context& ctx, Store& store, std::string_view object,
                                     const CreateOptions& options);

/// Writes an object, from its first byte. Ends the process by SIGPIPE where nobody reads any more.
Result<void> write_to_standard_output(const Context& ctx, Reader& reader,
                                      std::atomic<std::uint64_t>* progress = nullptr);

}  // namespace scabbard::cli
