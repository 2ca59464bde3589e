// How multipart uploads end: completed, looked at, or given up.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "store/s3/bucket.hpp"
#include "store/s3/upload_journal.hpp"
#include "store/s3/xml.hpp"

namespace scabbard::s3 {

/// Tells the server that a multipart upload is given up; waits no longer than a moment for its answer.
void abandon_upload(Bucket& bucket, std::string_view key, const std::string& upload_id,
                    std::unique_ptr<UploadJournal::Entry> journal);

/// Looks whether an object that was just written is there, as long as it should be, and with that checksum where the
/// server has one (empty: any).
Result<WriteInfo> verify_written(const Operation& op, std::string_view key, std::uint64_t size,
                                 const std::string& version, const std::string& checksum);

/// What a request that made an object says of it.
struct Made {
  std::string version;
  bool verified = false;  ///< the server has told that it has what was sent
};
/// Puts the parts of a multipart upload together, or finds out that this was done though the answer was lost.
/// `checksum`: of the whole object; empty where parts have none.
Result<Made> complete_upload(const Operation& op, std::string_view key, const std::string& upload_id,
                             std::span<const FinishedPart> parts, const std::string& checksum, std::uint64_t size,
                             bool exclusive);

/// The same of any request whose answer was lost. The object that is there is the one that was sent if it has its ETag
/// (`expected`; empty: nobody knows it). Otherwise `failure`.
Result<Made> find_written(const Operation& op, std::string_view key, std::uint64_t size, const std::string& expected,
                          Error failure);

}  // namespace scabbard::s3
