// An ext-processor as its parent meets it: lines on pipes.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/command_test.hpp"

namespace scabbard::cli {

class Processor {
 public:
  Processor(Running running, Channel out) : running_(std::move(running)), out_(std::move(out)) { out_.close_far(); }

  void ask(std::uint64_t id, const nlohmann::json& task) {
    running_.feed(nlohmann::json{{"id", id}, {"task", task}}.dump() + "\n");
  }

  /// Without its end; empty at the end.
  std::string read_line() {
    while (!read_.contains('\n')) {
      const std::string more = out_.read_some();
      if (more.empty()) break;
      read_ += more;
    }
    const std::string line = read_.substr(0, read_.find('\n'));
    read_.erase(0, line.size() + 1);
    return line;
  }
  nlohmann::json answer() { return nlohmann::json::parse(read_line(), nullptr, false); }

  void interrupt_by(int signal) { running_.interrupt_by(signal); }
  Outcome wait() { return running_.wait(); }

 private:
  Running running_;
  Channel out_;
  std::string read_;  // and not asked for yet
};

class ProcessorTest : public CommandTest {
 protected:
  /// Is ready on return.
  Processor start_processor(const std::string& stage, const std::vector<std::string>& options, With with) const {
    Channel out = Channel::pipe();
    with.standard_output = out.far();
    std::vector<std::string> words = {"processor", stage};
    words.insert(words.end(), options.begin(), options.end());
    Processor processor(start(words, with), std::move(out));
    EXPECT_EQ(processor.read_line(), stage + " processor ready");
    return processor;
  }
};

}  // namespace scabbard::cli
