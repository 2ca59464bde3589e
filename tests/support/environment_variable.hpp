// A variable of this process' environment, for as long as it is in scope. Only while nobody else reads the environment.
#pragma once

#include <cstdlib>
#include <string>

namespace scabbard {

class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~EnvironmentVariable() { ::unsetenv(name_); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

 private:
  const char* const name_;
};

}  // namespace scabbard
