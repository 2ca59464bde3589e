// Whole objects through the Store interface, as most tests put and look at them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "scabbard/store.hpp"
#include "support/byte_patterns.hpp"

namespace scabbard {

/// create, write, finish.
Result<WriteInfo> put_bytes(Store& store, const Context& ctx, std::string_view object, std::span<const std::byte> bytes,
                            const CreateOptions& options = {});
Result<WriteInfo> put_text(Store& store, const Context& ctx, std::string_view object, std::string_view text,
                           const CreateOptions& options = {});

/// open and read to the end.
Result<Bytes> get_bytes(Store& store, const Context& ctx, std::string_view object);
Result<std::string> get_text(Store& store, const Context& ctx, std::string_view object);

/// From the reader's position to the end.
Result<Bytes> read_rest(Reader& reader, const Context& ctx);

/// The object, or nothing where there is none. Other failures are thrown as UnexpectedFailure.
std::optional<Bytes> look_at(Store& store, const Context& ctx, std::string_view object);

/// Every entry of a listing. An entry that comes twice is kInternal.
Result<std::map<std::string, ListEntry>> list_entries(Store& store, const Context& ctx,
                                                      const ListOptions& options = {});
/// The names alone; a folder's has a '/' after it.
Result<std::set<std::string>> list_names(Store& store, const Context& ctx, const ListOptions& options = {});

}  // namespace scabbard
