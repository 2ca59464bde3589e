#include "job.hpp"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace scabbard::bench {
namespace {

double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Not ru_maxrss, which counts what the parent had before exec.
double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

std::vector<Read> reads_of(const Job& job) {
  std::vector<Read> reads;
  if (job.list.empty()) {
    for (std::size_t i = 0; i < job.count; ++i) reads.push_back({job.key, job.length / job.count * i, job.size});
    return reads;
  }
  std::ifstream list(job.list);
  for (std::string line; std::getline(list, line);) {
    const auto range = nlohmann::json::parse(line);
    reads.push_back({job.key + "/" + range.at("object").get<std::string>(), range.at("offset"), range.at("length")});
  }
  if (reads.empty()) give_up("no ranges in " + job.list);
  return reads;
}

Job job_of(int argc, char** argv) {
  if (argc != 2) give_up("one argument: the job as JSON");
  auto text = nlohmann::json::parse(argv[1], nullptr, false);
  if (text.is_discarded()) give_up("the job is no JSON");
  Job job{.work = text.value("work", ""),
          .endpoint = text.value("endpoint", ""),
          .ca = text.value("ca", ""),
          .bucket = text.value("bucket", ""),
          .key = text.value("key", ""),
          .file = text.value("file", ""),
          .list = text.value("list", ""),
          .sign_payload = text.value("sign_payload", false),
          .length = text.value("length", std::uint64_t{0}),
          .count = text.value("count", std::size_t{0}),
          .size = text.value("size", std::size_t{0}),
          .in_flight = text.value("in_flight", std::size_t{0}),
          .variant = text.value("variant", ""),
          .reads = {}};
  if (job.work == "ranges" || job.work == "heads") job.reads = reads_of(job);
  return job;
}

}  // namespace

std::size_t bytes_of(const std::vector<Read>& reads) {
  std::size_t bytes = 0;
  for (const Read& read : reads) bytes += read.size;
  return bytes;
}

void run(int argc, char** argv, void (*carry_out)(const Job& job)) {
  const Job job = job_of(argc, argv);
  const auto began = std::chrono::steady_clock::now();
  const double processor = processor_seconds();
  carry_out(job);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
  std::printf("{\"processor\": %.6f, \"wall\": %.6f, \"peak\": %.1f}\n", processor_seconds() - processor, wall.count(),
              peak_mib());
}

void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

}  // namespace scabbard::bench
