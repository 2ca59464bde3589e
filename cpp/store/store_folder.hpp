// Making a folder a store.
#pragma once

#include <string>
#include <string_view>

#include "store/store_file.hpp"

namespace scabbard {

/// A store's name, made from its URL or folder: "s3://sectors/f01000" gives "sectors-f01000", "/mnt/store-1" gives
/// "store-1". The same on every machine, and fit for the host part of a URL, where damocles puts it.
std::string store_name_for(std::string_view url_or_folder);

/// Writes the sectorstore.json of `folder`, an absolute path; makes the folder where only that is missing. Nothing is
/// written where the store could not be opened. kAlreadyExists where the folder is a store, or lies in one.
Result<void> make_store_folder(const Context& ctx, const std::string& folder, const StoreFile& file);

}  // namespace scabbard
