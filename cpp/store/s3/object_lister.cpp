#include "store/s3/object_lister.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "store/object_name.hpp"
#include "store/s3/bucket_exchange.hpp"
#include "store/s3/object_put.hpp"
#include "store/s3/xml.hpp"
#include "store/store_file.hpp"

namespace scabbard::s3 {
namespace {

// One after the other: S3 itself sends some where many objects were removed.
constexpr unsigned kMostEmptyPages = 1000;

class ListRequest final : public BucketExchange {
 public:
  ListRequest(Bucket& bucket, std::string query) : BucketExchange(bucket, {}), query_(std::move(query)) {}
  ListPage& page() { return page_; }

 private:
  Question ask(const net::Attempt& /*attempt*/, net::Request& /*request*/) override { return {.query = query_}; }

  net::Verdict succeeded(const net::Attempt& /*attempt*/, const net::Answer& answer) override {
    if (auto judgement = error_in_success(answer)) return verdict_of(answer, *std::move(judgement));
    auto page = parse_list_page(answer.text());
    if (!page) return misunderstood(std::move(page).error());
    page_ = *std::move(page);
    return net::Verdict::done();
  }

  const std::string query_;
  ListPage page_;
};

class ObjectLister final : public Lister {
 public:
  ObjectLister(std::shared_ptr<Bucket> bucket, ListOptions options)
      : bucket_(std::move(bucket)),
        options_(std::move(options)),
        prefix_(bucket_->settings().prefix + (options_.folder.empty() ? "" : options_.folder + "/")) {}

  Result<std::vector<ListEntry>> next(const Context& ctx) override {
    Operation op(*bucket_, ctx, "list", options_.folder);
    std::vector<ListEntry> entries;
    // A page of which nothing is shown is no end.
    while (entries.empty() && !at_end_) {
      if (auto going = op.check(); !going) return fail(std::move(going).error());
      ListRequest request(*bucket_, query());
      if (auto done = op.run(request); !done) return fail(std::move(done).error());
      ListPage& page = request.page();
      if (!goes_on(page)) {
        return op.failed(ErrorCode::kUnavailable, "the server gives the same page of the listing again and again");
      }
      token_ = std::move(page.next);
      at_end_ = token_.empty();
      take(page, entries);
    }
    return entries;
  }

 private:
  std::string query() const {
    std::vector<QueryParameter> parameters = {{"list-type", "2"}, {"encoding-type", "url"}};
    if (!prefix_.empty()) parameters.push_back({"prefix", prefix_});
    if (!options_.recursive) parameters.push_back({"delimiter", "/"});
    if (!token_.empty()) parameters.push_back({"continuation-token", token_});
    return encoded_query(parameters);
  }

  // The entry of a key, or of a folder that keys begin with. None for what is the store's own, and for the key by which
  // others mark a folder ("folder/").
  std::optional<ListEntry> entry_of(std::string_view key) const {
    const std::string& root = bucket_->settings().prefix;
    if (!key.starts_with(prefix_) || key == prefix_) return std::nullopt;
    std::string name(key.substr(root.size()));
    if (name == kStoreFileName) return std::nullopt;
    const bool is_name = check_object_name(name).has_value();
    const bool is_marker = name.ends_with('/') && check_object_name(std::string_view(name).substr(0, name.size() - 1));
    if (!is_name && (is_marker || !options_.others)) return std::nullopt;
    return ListEntry{.name = std::move(name), .is_other = !is_name, .info = {}};
  }

  // Whether the listing is further than it was. The order of keys would tell too, but not all servers keep one.
  bool goes_on(ListPage& page) {
    // Where a page ends within a folder, some servers name it on the next one again.
    if (!page.prefixes.empty() && page.prefixes.front() == last_prefix_) page.prefixes.erase(page.prefixes.begin());
    if (!page.prefixes.empty()) last_prefix_ = page.prefixes.back();
    if (!page.next.empty() && !tokens_.insert(page.next).second) return false;
    const bool is_empty = page.objects.empty() && page.prefixes.empty();
    empty_pages_ = is_empty ? empty_pages_ + 1 : 0;
    if (!page.objects.empty() && !first_keys_.insert(page.objects.front().key).second) return false;
    if (!page.prefixes.empty() && !first_prefixes_.insert(page.prefixes.front()).second) return false;
    return empty_pages_ < kMostEmptyPages;
  }

  void take(ListPage& page, std::vector<ListEntry>& entries) const {
    for (ListedObject& object : page.objects) {
      auto entry = entry_of(object.key);
      if (!entry) continue;
      entry->info = {.size = object.size, .modified = object.modified, .version = std::move(object.etag)};
      entries.push_back(*std::move(entry));
    }
    for (std::string& prefix : page.prefixes) {
      if (prefix.ends_with('/')) prefix.pop_back();
      auto entry = entry_of(prefix);
      if (!entry) continue;
      entry->is_folder = !entry->is_other;
      entries.push_back(*std::move(entry));
    }
  }

  const std::shared_ptr<Bucket> bucket_;
  const ListOptions options_;
  const std::string prefix_;
  std::string token_;
  // Of all pages so far: of a million objects a thousand.
  std::set<std::string> tokens_;
  std::set<std::string> first_keys_;
  std::set<std::string> first_prefixes_;
  std::string last_prefix_;
  unsigned empty_pages_ = 0;
  bool at_end_ = false;
};

Result<std::uint64_t> bytes_of_upload(const Operation& op, const ListedUpload& upload) {
  std::uint64_t bytes = 0;
  std::string after = "0";
  do {
    ListParts request(op.bucket(), upload.key, upload.id, after);
    if (auto done = op.run(request); !done) return fail(std::move(done).error());
    bytes += request.page().bytes;
    if (request.page().next == after) {
      return op.failed(ErrorCode::kUnavailable, "the server gives the same page of an upload's parts again and again");
    }
    after = request.page().next;
  } while (!after.empty());
  return bytes;
}

}  // namespace

Result<std::vector<UnfinishedWrite>> list_uploads(const Context& ctx, Bucket& bucket, std::string_view name) {
  Operation op(bucket, ctx, "list the uploads of", name);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  const std::string& store = bucket.settings().prefix;
  const std::string prefix = store + std::string(name);
  std::vector<UnfinishedWrite> writes;
  std::string key_marker;
  std::string id_marker;
  std::set<std::pair<std::string, std::string>> begun;  // pages
  do {
    std::vector<QueryParameter> parameters = {{"uploads", {}}, {"encoding-type", "url"}};
    if (!prefix.empty()) parameters.push_back({"prefix", prefix});
    if (!key_marker.empty()) parameters.push_back({"key-marker", key_marker});
    if (!id_marker.empty()) parameters.push_back({"upload-id-marker", id_marker});
    ListRequest request(bucket, encoded_query(parameters));
    if (auto done = op.run(request); !done) return fail(std::move(done).error());
    ListPage& page = request.page();
    for (ListedUpload& upload : page.uploads) {
      if (!upload.key.starts_with(prefix)) continue;
      const bool is_of_name = name.empty() || upload.key.size() == prefix.size() || upload.key[prefix.size()] == '/';
      if (!is_of_name) continue;
      auto bytes = bytes_of_upload(op, upload);
      if (!bytes && bytes.error().code == ErrorCode::kNotFound) continue;  // it has ended meanwhile
      if (!bytes) return fail(std::move(bytes).error());
      writes.push_back(
          {.object = upload.key.substr(store.size()), .id = upload.id, .begun = upload.initiated, .bytes = *bytes});
    }
    if (!page.next.empty() && !begun.emplace(page.next, page.next_upload).second) {
      return op.failed(ErrorCode::kUnavailable, "the server begins the same page of the listing again and again");
    }
    key_marker = std::move(page.next);
    id_marker = std::move(page.next_upload);
  } while (!key_marker.empty());
  return writes;
}

Result<std::unique_ptr<Lister>> list_objects(const Context& ctx, std::shared_ptr<Bucket> bucket,
                                             const ListOptions& options) {
  Operation op(*bucket, ctx, "list", options.folder);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  if (!options.folder.empty()) {
    if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
  }
  return std::make_unique<ObjectLister>(std::move(bucket), options);
}

}  // namespace scabbard::s3
