#include "store/object_kind.hpp"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace scabbard {

Result<Kind> kind_of(const Context& ctx, Store& store, std::string_view object) {
  if (object.empty()) return Kind::kFolder;
  auto info = store.stat(ctx, object);
  if (info) return Kind::kObject;
  const bool has_files = store.capabilities().local_files;
  if (info.error().code == ErrorCode::kNotRegularFile) {
    std::error_code failed;
    if (!has_files || std::filesystem::is_directory(store.location(object), failed)) return Kind::kFolder;
    return fail(std::move(info).error());
  }
  if (info.error().code != ErrorCode::kNotFound) return fail(std::move(info).error());
  if (has_files) return Kind::kNothing;
  auto lister = store.list(ctx, {.folder = std::string(object)});
  if (!lister) return fail(std::move(lister).error());
  auto page = (*lister)->next(ctx);
  if (!page) return fail(std::move(page).error());
  return page->empty() ? Kind::kNothing : Kind::kFolder;
}

}  // namespace scabbard
