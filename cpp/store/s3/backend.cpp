#include "store/s3/backend.hpp"

#include <utility>

#include "store/s3/s3_store.hpp"
#include "store/s3/settings.hpp"

namespace scabbard::s3 {

Result<std::shared_ptr<Store>> open_backend(StoreConfig config, std::string_view url, const Options& options) {
  auto settings = settings_of(url, options, Environment::of_process());
  if (!settings) return fail(std::move(settings).error());
  return open_store(std::move(config), *std::move(settings));
}

}  // namespace scabbard::s3
