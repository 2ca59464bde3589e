// The same work on many things, a few of them at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace scabbard::cli {

/// Calls `work` with 0 to count - 1, begun in this order, from up to `jobs` threads. Once it returns false, no further
/// ones are begun.
template <class Work>
void in_parallel(unsigned jobs, std::size_t count, Work work) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> over = false;
  auto run = [&] {
    while (!over) {
      const std::size_t i = next++;
      if (i >= count) return;
      if (!work(i)) over = true;
    }
  };
  std::vector<std::jthread> others;
  try {
    for (unsigned i = 1; i < jobs && i < count; ++i) others.emplace_back(run);
  } catch (const std::exception&) {  // no more threads to be had: those there are do the work
  }
  run();
}

}  // namespace scabbard::cli
