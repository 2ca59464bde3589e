#include "support/whole_objects.hpp"

#include "support/result_matchers.hpp"

namespace scabbard {

Result<WriteInfo> put_bytes(Store& store, const Context& ctx, std::string_view object, std::span<const std::byte> bytes,
                            const CreateOptions& options) {
  auto writer = store.create(ctx, object, options);
  if (!writer) return fail(std::move(writer.error()));
  if (auto written = (*writer)->write(ctx, bytes); !written) return fail(std::move(written.error()));
  return (*writer)->finish(ctx);
}

Result<WriteInfo> put_text(Store& store, const Context& ctx, std::string_view object, std::string_view text,
                           const CreateOptions& options) {
  return put_bytes(store, ctx, object, std::as_bytes(std::span(text)), options);
}

Result<Bytes> read_rest(Reader& reader, const Context& ctx) {
  constexpr std::size_t kStep = std::size_t{1} << 20;
  Bytes bytes;
  while (true) {
    const std::size_t have = bytes.size();
    bytes.resize(have + kStep);
    const auto got = reader.read(ctx, std::span(bytes).subspan(have));
    if (!got) return fail(got.error());
    bytes.resize(have + *got);
    if (*got == 0) return bytes;
  }
}

Result<Bytes> get_bytes(Store& store, const Context& ctx, std::string_view object) {
  auto reader = store.open(ctx, object);
  if (!reader) return fail(std::move(reader.error()));
  return read_rest(**reader, ctx);
}

Result<std::string> get_text(Store& store, const Context& ctx, std::string_view object) {
  auto bytes = get_bytes(store, ctx, object);
  if (!bytes) return fail(std::move(bytes.error()));
  return to_text(*bytes);
}

std::optional<Bytes> look_at(Store& store, const Context& ctx, std::string_view object) {
  auto bytes = get_bytes(store, ctx, object);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return std::nullopt;
  return value_of(std::move(bytes));
}

Result<std::map<std::string, ListEntry>> list_entries(Store& store, const Context& ctx, const ListOptions& options) {
  auto lister = store.list(ctx, options);
  if (!lister) return fail(std::move(lister.error()));
  std::map<std::string, ListEntry> all;
  while (true) {
    auto page = (*lister)->next(ctx);
    if (!page) return fail(std::move(page.error()));
    if (page->empty()) return all;
    for (ListEntry& entry : *page) {
      const std::string name = entry.name;
      if (!all.emplace(name, std::move(entry)).second) {
        return fail(ErrorCode::kInternal, "the listing has " + name + " twice");
      }
    }
  }
}

Result<std::set<std::string>> list_names(Store& store, const Context& ctx, const ListOptions& options) {
  const auto entries = list_entries(store, ctx, options);
  if (!entries) return fail(entries.error());
  std::set<std::string> names;
  for (const auto& [name, entry] : *entries) names.insert(entry.is_folder ? name + "/" : name);
  return names;
}

}  // namespace scabbard
