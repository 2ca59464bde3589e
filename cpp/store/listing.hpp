// Going through a listing, page by page.
#pragma once

#include <utility>

#include "scabbard/store.hpp"

namespace scabbard {

/// Calls `take`, which gives a Result<void>, with each entry. Ends with its first error, or with the listing's.
template <class Take>
Result<void> for_each_entry(const Context& ctx, Lister& lister, Take take) {
  while (true) {
    auto page = lister.next(ctx);
    if (!page) return fail(std::move(page).error());
    if (page->empty()) return {};
    for (ListEntry& entry : *page) {
      if (Result<void> taken = take(entry); !taken) return taken;
    }
  }
}

/// The same for a listing that begins here.
template <class Take>
Result<void> for_each_entry(const Context& ctx, Store& store, const ListOptions& options, Take take) {
  auto lister = store.list(ctx, options);
  if (!lister) return fail(std::move(lister).error());
  return for_each_entry(ctx, **lister, std::move(take));
}

}  // namespace scabbard
