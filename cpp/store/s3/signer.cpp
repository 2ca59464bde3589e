#include "store/s3/signer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/sha256.hpp"
#include "base/text.hpp"
#include "store/s3/hexadecimal.hpp"

namespace scabbard::s3 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// What AWS' SDKs leave out because others add or change it on the way, and accept-encoding, which Google's servers
// rewrite before they verify.
constexpr std::array<std::string_view, 7> kNotSigned = {
    "authorization", "connection", "expect", "user-agent", "accept-encoding", "transfer-encoding", "x-amzn-trace-id"};

bool is_signed(const Header& header) {
  return std::ranges::none_of(kNotSigned, [&](std::string_view name) { return same_ignoring_case(header.name, name); });
}

// Reuses the memory of a header that an earlier attempt left.
void set_header(std::vector<Header>& headers, std::string_view name, std::string_view value) {
  auto found =
      std::ranges::find_if(headers, [&](const Header& header) { return same_ignoring_case(header.name, name); });
  if (found == headers.end()) {
    headers.push_back({std::string(name), std::string(value)});
  } else {
    found->value = value;
  }
}

void remove_header(std::vector<Header>& headers, std::string_view name) {
  std::erase_if(headers, [&](const Header& header) { return same_ignoring_case(header.name, name); });
}

// Without spaces around, inner runs of them as one.
void append_trimmed(std::string& out, std::string_view value) {
  constexpr std::string_view kBlanks = " \t";
  bool first = true;
  while (true) {
    value.remove_prefix(std::min(value.find_first_not_of(kBlanks), value.size()));
    if (value.empty()) return;
    std::string_view word = value.substr(0, value.find_first_of(kBlanks));
    if (!first) out += ' ';
    first = false;
    out += word;
    value.remove_prefix(word.size());
  }
}

// "20130524T000000Z"; the day is its first eight characters.
std::array<char, 16> time_stamp(std::chrono::system_clock::time_point time) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  auto midnight = std::chrono::floor<std::chrono::days>(seconds);
  std::chrono::year_month_day date{midnight};
  std::chrono::hh_mm_ss clock{seconds - midnight};
  std::array<char, 16> out{};
  auto put = [&](std::size_t at, std::size_t digits, unsigned value) {
    for (std::size_t i = digits; i-- > 0; value /= 10) out[at + i] = static_cast<char>('0' + value % 10);
  };
  put(0, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put(4, 2, static_cast<unsigned>(date.month()));
  put(6, 2, static_cast<unsigned>(date.day()));
  out[8] = 'T';
  put(9, 2, static_cast<unsigned>(clock.hours().count()));
  put(11, 2, static_cast<unsigned>(clock.minutes().count()));
  put(13, 2, static_cast<unsigned>(clock.seconds().count()));
  out[15] = 'Z';
  return out;
}

std::unexpected<Error> failed() { return fail(ErrorCode::kInternal, "sign a request: OpenSSL failed"); }

// What signing needs besides the request, kept so that it allocates nothing.
struct Scratch {
  DigestContext digest;
  std::string text;
  std::string signed_headers;
  std::vector<const Header*> order;
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

// The headers to sign by name, those of one name in the order they are sent in.
void sort_signed(const std::vector<Header>& headers, std::vector<const Header*>& order) {
  auto byte = [](char c) { return static_cast<unsigned char>(ascii_lower(c)); };
  auto less = [&](const Header* a, const Header* b) {
    return std::ranges::lexicographical_compare(a->name, b->name, {}, byte, byte);
  };
  order.clear();
  for (const Header& header : headers) {  // a handful: insertion beats a sort that allocates
    if (is_signed(header)) order.insert(std::upper_bound(order.begin(), order.end(), &header, less), &header);
  }
}

}  // namespace

void append_canonical_request(const Request& request, std::string_view payload_hash, std::string& canonical,
                              std::string& signed_headers) {
  auto& order = scratch().order;
  sort_signed(request.headers, order);
  canonical.append(request.method).append("\n").append(request.path).append("\n").append(request.query).append("\n");
  const Header* previous = nullptr;
  for (const Header* header : order) {
    if (previous != nullptr && same_ignoring_case(previous->name, header->name)) {
      canonical.back() = ',';
    } else {
      std::size_t name = canonical.size();
      for (char c : header->name) canonical += ascii_lower(c);
      if (previous != nullptr) signed_headers += ';';
      signed_headers.append(canonical, name);
      canonical += ':';
    }
    append_trimmed(canonical, header->value);
    canonical += '\n';
    previous = header;
  }
  canonical.append("\n").append(signed_headers).append("\n").append(payload_hash);
}

// What a day's requests with the same credentials have in common.
class Signer::Key {
 public:
  bool init(const Credentials& credentials, std::string_view day, std::string_view region, std::string_view service) {
    access_key_ = credentials.access_key;
    secret_key_ = credentials.secret_key;
    day_ = day;
    scope_.append(day).append("/").append(region).append("/").append(service).append("/aws4_request");
    DigestContext work;
    Digest key;
    if (!hmac_.init("AWS4" + secret_key_) || !hmac_.mac(work, day, key)) return false;
    for (std::string_view part : {region, service, std::string_view("aws4_request")}) {
      if (!hmac_.init(as_text(key)) || !hmac_.mac(work, part, key)) return false;
    }
    return hmac_.init(as_text(key));
  }

  bool is_for(const Credentials& credentials, std::string_view day) const {
    return day == day_ && credentials.access_key == access_key_ && credentials.secret_key == secret_key_;
  }
  std::string_view scope() const { return scope_; }
  const HmacSha256& hmac() const { return hmac_; }

 private:
  std::string access_key_;
  std::string secret_key_;
  std::string day_;
  std::string scope_;
  HmacSha256 hmac_;
};

Signer::Signer(std::string region, std::string service) : region_(std::move(region)), service_(std::move(service)) {}

Signer::~Signer() = default;

Result<std::shared_ptr<const Signer::Key>> Signer::key_for(const Credentials& credentials, std::string_view day) const {
  {
    std::lock_guard lock(mutex_);
    if (key_ && key_->is_for(credentials, day)) return key_;
  }
  auto key = std::make_shared<Key>();
  if (!key->init(credentials, day, region_, service_)) return failed();
  std::lock_guard lock(mutex_);
  key_ = key;
  return key;
}

Result<void> Signer::sign(Request& request, const Credentials& credentials, std::string_view payload_hash,
                          std::chrono::system_clock::time_point now) const {
  auto& headers = request.headers;
  set_header(headers, "host", request.host);
  if (credentials.session_token.empty()) remove_header(headers, "x-amz-security-token");
  if (credentials.anonymous) {
    for (std::string_view name : {"authorization", "x-amz-date", "x-amz-content-sha256"}) remove_header(headers, name);
    return {};
  }
  auto stamp = time_stamp(now);
  std::string_view time(stamp.data(), stamp.size());
  set_header(headers, "x-amz-date", time);
  if (service_ == "s3") set_header(headers, "x-amz-content-sha256", payload_hash);
  if (!credentials.session_token.empty()) set_header(headers, "x-amz-security-token", credentials.session_token);

  auto key = key_for(credentials, time.substr(0, 8));
  if (!key) return fail(std::move(key.error()));
  std::string_view scope = (*key)->scope();
  auto& [digest, text, signed_headers, order] = scratch();
  text.clear();
  signed_headers.clear();
  append_canonical_request(request, payload_hash, text, signed_headers);

  Digest hash;
  if (!sha256(digest, text, hash)) return failed();
  text.clear();
  text.append(kAlgorithm).append("\n").append(time).append("\n").append(scope).append("\n");
  append_hexadecimal(text, hash);
  if (!(*key)->hmac().mac(digest, text, hash)) return failed();

  text.clear();
  text.append(kAlgorithm).append(" Credential=").append(credentials.access_key).append("/").append(scope);
  text.append(", SignedHeaders=").append(signed_headers).append(", Signature=");
  append_hexadecimal(text, hash);
  set_header(headers, "authorization", text);
  return {};
}

}  // namespace scabbard::s3
