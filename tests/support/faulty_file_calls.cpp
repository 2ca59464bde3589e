#include "support/faulty_file_calls.hpp"

#include <algorithm>
#include <cerrno>
#include <sstream>

namespace scabbard::posix {

void FaultyFileCalls::arm(std::size_t number, Fault fault) {
  std::lock_guard lock(mutex_);
  calls_ = 0;
  fault_at_ = number;
  fault_ = std::move(fault);
  struck_.reset();
}

void FaultyFileCalls::disarm() {
  std::lock_guard lock(mutex_);
  fault_at_ = 0;
}

std::size_t FaultyFileCalls::calls() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

std::optional<CallSite> FaultyFileCalls::fault_struck() const {
  std::lock_guard lock(mutex_);
  return struck_;
}

void FaultyFileCalls::interrupt_every_call(bool on) {
  std::lock_guard lock(mutex_);
  interrupting_ = on;
}

void FaultyFileCalls::shorten_every_transfer(std::size_t bytes) {
  std::lock_guard lock(mutex_);
  most_bytes_ = bytes;
}

std::vector<std::string> FaultyFileCalls::open_descriptors() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [fd, path] : open_) names.push_back(std::to_string(fd) + " (" + path + ")");
  return names;
}

long FaultyFileCalls::around(const CallSite& site, const Make& make) {
  bool strikes = false;
  Fault fault;
  std::size_t length = site.length;
  {
    std::lock_guard lock(mutex_);
    ++calls_;
    const bool from_now = fault_.kind == Fault::Kind::kFailsFromNow;
    strikes = fault_at_ != 0 && (calls_ == fault_at_ || (from_now && calls_ > fault_at_));
    if (strikes) {
      fault = fault_;
      if (!struck_) struck_ = site;
    }
    length = std::min(length, most_bytes_);
    if (interrupting_ && site.call != Call::kClose) {
      // The same call is made again after EINTR: odd calls on one thing are interrupted, even ones made.
      std::ostringstream key;
      key << site << site.descriptor << site.path;
      if (++interrupted_[key.str()] % 2 == 1) return -EINTR;
    }
  }
  if (!strikes) return made(site, make, length);
  switch (fault.kind) {
    case Fault::Kind::kFails:
    case Fault::Kind::kFailsFromNow:
      if (site.call == Call::kClose) made(site, make, length);
      return -fault.error;
    case Fault::Kind::kFailsAfter: {
      const long outcome = made(site, make, length);
      // A descriptor that nobody was told of would be a leak of the test's own making.
      return outcome < 0 || site.call == Call::kOpen ? outcome : -fault.error;
    }
    case Fault::Kind::kShort:
      return made(site, make, std::max<std::size_t>(length / 2, std::min<std::size_t>(length, 1)));
    case Fault::Kind::kActs:
      fault.action();
      return made(site, make, length);
  }
  return -EINVAL;
}

long FaultyFileCalls::made(const CallSite& site, const Make& make, std::size_t length) {
  if (site.call == Call::kClose) {  // before the call: the number may be given out again at once
    std::lock_guard lock(mutex_);
    open_.erase(site.descriptor);
  }
  const long outcome = make(length);
  if (site.call == Call::kOpen && outcome >= 0) {
    std::lock_guard lock(mutex_);
    open_[static_cast<int>(outcome)] = site.path;
  }
  return outcome;
}

}  // namespace scabbard::posix
