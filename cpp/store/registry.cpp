#include "store/registry.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "store/posix/backend.hpp"
#include "store/s3/backend.hpp"
#include "store/url.hpp"

namespace scabbard {
namespace {

constexpr std::array kBackends = {
    Backend{.scheme = "file", .open = posix::open_backend},
    Backend{.scheme = "s3", .open = s3::open_backend},
};

}  // namespace

std::span<const Backend> backends() { return kBackends; }

Result<const Backend*> backend_for(std::string_view url) {
  auto parsed = parse_url(url);
  if (!parsed) return fail(std::move(parsed).error());
  std::vector<std::string_view> known;
  for (const Backend& backend : backends()) {
    if (backend.scheme == parsed->scheme) return &backend;
    known.push_back(backend.scheme);
  }
  return fail(ErrorCode::kUnsupported,
              fmt::format("no {} stores in this build; there are: {}", quote(parsed->scheme), fmt::join(known, ", ")));
}

}  // namespace scabbard
