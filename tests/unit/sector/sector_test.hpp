// What the tests of whole sectors start from: a store in a folder.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sector/manifest.hpp"
#include "sector/sectors.hpp"
#include "support/result_matchers.hpp"
#include "support/small_sector.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::sector {

inline const SectorId kSector{.miner = 1000, .number = 7};

/// A store in a folder of its own.
struct StoreInFolder {
  const TemporaryFolder folder{TemporaryFolder::Where::kMemory};
  const std::shared_ptr<Store> store = value_of(open_store({.name = "", .path = folder.string(), .meta = {}}));

  Store& operator*() const { return *store; }

  /// As anybody may write into the folder.
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << text;
  }

  /// Without a trace in the file's times: as a disk damages it.
  void damage(const std::string& name, const std::string& text) const {
    const auto time = std::filesystem::last_write_time(folder / name);
    std::ofstream(folder / name, std::ios::binary | std::ios::in) << text;
    std::filesystem::last_write_time(folder / name, time);
  }

  std::string read(const std::string& name) const {
    std::ifstream file(folder / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// Writes objects, and notes their sums, as a transfer does.
  void put(const SectorId& id, const std::map<std::string, std::string>& objects) const {
    Manifest written;
    for (const auto& [name, text] : objects) {
      auto writer = value_of(store->create({}, name));
      value_of(writer->write({}, to_bytes(text)));
      const WriteInfo info = value_of(writer->finish({}));
      written.objects[name] = {.size = info.size, .crc32c = info.crc32c, .version = info.version};
    }
    value_of(note_written({}, *store, id, written, {}));
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
      names.push_back(std::filesystem::relative(entry.path(), folder.path()).string());
    }
    std::ranges::sort(names);
    return names;
  }
};

}  // namespace scabbard::sector
