#include "sector/proof_type.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "base/numbers.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

namespace scabbard::sector {
namespace {

// A proof type is named before + shape + after.
struct KindOfProof {
  ProofKind kind;
  std::string_view before;
  std::string_view after;
  std::uint64_t challenges;  // of a sector
};
constexpr std::array kKindsOfProofs = {
    KindOfProof{.kind = ProofKind::kWinning, .before = "StackedDrgWinning", .after = "V1", .challenges = 66},
    KindOfProof{.kind = ProofKind::kWindowV1, .before = "StackedDrgWindow", .after = "V1", .challenges = 10},
    KindOfProof{.kind = ProofKind::kWindowV12, .before = "StackedDrgWindow", .after = "V1_2", .challenges = 10},
};

constexpr std::byte kTooLargeSeed{0x40};

const KindOfProof& row_of(ProofKind kind) { return *std::ranges::find(kKindsOfProofs, kind, &KindOfProof::kind); }

void put_little_endian(char* at, std::uint64_t number) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(at, &number, sizeof number);
}

}  // namespace

Result<ProofType> parse_proof_type(std::string_view name) {
  for (const KindOfProof& row : kKindsOfProofs) {
    if (!name.starts_with(row.before) || !name.ends_with(row.after)) continue;
    const std::string_view size =
        name.substr(row.before.size(), name.size() - std::min(name.size(), row.before.size() + row.after.size()));
    if (const Shape* shape = shape_named(size)) return ProofType{.kind = row.kind, .shape = shape};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is no proof type: those are StackedDrgWinning<size>V1, StackedDrgWindow<size>V1 and "
                          "StackedDrgWindow<size>V1_2, with the sizes 2KiB, 8MiB, 512MiB, 32GiB and 64GiB",
                          quote(name)));
}

std::string to_string(const ProofType& type) {
  const KindOfProof& row = row_of(type.kind);
  return fmt::format("{}{}{}", row.before, type.shape->name, row.after);
}

Result<Seed> parse_seed(std::string_view hexadecimal) {
  Seed seed;
  bool is_seed = hexadecimal.size() == 2 * seed.size();
  for (std::size_t i = 0; is_seed && i < seed.size(); ++i) {
    const auto byte = whole_number<unsigned char>(hexadecimal.substr(2 * i, 2), 16);
    is_seed = byte.has_value();
    seed[i] = std::byte{byte.value_or(0)};
  }
  if (!is_seed) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no seed: that is 64 hexadecimal digits", quote(hexadecimal)));
  }
  if (auto valid = check_seed(seed); !valid) return fail(std::move(valid).error());
  return seed;
}

// It has to be an element of the scalar field of BLS12-381, which takes 255 bits.
Result<void> check_seed(const Seed& seed) {
  if (seed.back() < kTooLargeSeed) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the last byte of the seed is 0x{:02x}, and has to be less than 0x{:02x}: the manager clears "
                          "its two upper bits",
                          static_cast<unsigned>(seed.back()), static_cast<unsigned>(kTooLargeSeed)));
}

std::vector<std::uint64_t> challenged_leaves(const ProofType& type, const Seed& seed, std::uint64_t sector,
                                             std::uint64_t rank) {
  const std::uint64_t count = row_of(type.kind).challenges;
  // PoSts of API version 1.2 begin with index 0 for every sector.
  const std::uint64_t first = type.kind == ProofKind::kWindowV1 ? rank * count : 0;

  std::array<char, sizeof(Seed) + 2 * sizeof(std::uint64_t)> hashed;
  char* const numbers = hashed.data() + sizeof seed;
  std::memcpy(hashed.data(), &seed, sizeof seed);
  put_little_endian(numbers, sector);

  const DigestContext work;
  std::vector<std::uint64_t> leaves(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    put_little_endian(numbers + sizeof sector, first + i);
    Digest digest;
    // A wrong challenge would be a fault that is none.
    if (!sha256(work, {hashed.data(), hashed.size()}, digest)) throw std::bad_alloc();
    std::uint64_t drawn = 0;
    std::memcpy(&drawn, digest.data(), sizeof drawn);
    leaves[i] = drawn % type.shape->leaves();
  }
  return leaves;
}

}  // namespace scabbard::sector
