// Cyclic redundancy checks whose bits run from the lowest to the highest, begin with all ones and are inverted at the
// end: all that S3 uses are.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace scabbard {

/// `polynomial` with its bits reversed. Sums in here are not inverted.
template <class Sum, Sum polynomial>
class ReflectedCrc {
 public:
  using Table = std::array<Sum, 256>;

  static Sum after_byte(Sum sum, std::uint8_t byte) { return (sum >> 8) ^ kTables[0][(sum ^ byte) & 0xFF]; }

  // Slicing-by-8: eight table look-ups for eight bytes.
  static Sum after(Sum sum, const std::byte* data, std::size_t size) {
    static_assert(std::endian::native == std::endian::little);
    for (; size >= 8; data += 8, size -= 8) {
      std::uint64_t word;
      std::memcpy(&word, data, sizeof word);
      word ^= sum;
      sum = 0;
      for (std::size_t slice = 0; slice < 8; ++slice) sum ^= kTables[7 - slice][(word >> (8 * slice)) & 0xFF];
    }
    for (; size > 0; ++data, --size) sum = after_byte(sum, static_cast<std::uint8_t>(*data));
    return sum;
  }

  /// The sum of data that consists of two runs, from the (inverted) sums of both and the length of the second in bytes.
  static Sum combined(Sum first, Sum second, std::uint64_t second_length) {
    return product(shift_past(second_length), first) ^ second;
  }

 private:
  static constexpr int kBits = std::numeric_limits<Sum>::digits;

  static constexpr std::array<Table, 8> make_tables() {
    std::array<Table, 8> tables{};
    for (std::size_t byte = 0; byte < 256; ++byte) {
      Sum sum = static_cast<Sum>(byte);
      for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? polynomial : 0);
      tables[0][byte] = sum;
    }
    for (std::size_t slice = 1; slice < tables.size(); ++slice) {
      for (std::size_t byte = 0; byte < 256; ++byte) {
        Sum previous = tables[slice - 1][byte];
        tables[slice][byte] = (previous >> 8) ^ tables[0][previous & 0xFF];
      }
    }
    return tables;
  }

  static constexpr std::array<Table, 8> kTables = make_tables();

  // Sums are polynomials modulo `polynomial`, x^0 in the highest bit.
  static Sum product(Sum a, Sum b) {
    Sum sum = 0;
    for (; a != 0; a <<= 1) {
      if ((a >> (kBits - 1)) != 0) sum ^= b;
      b = (b >> 1) ^ ((b & 1) != 0 ? polynomial : 0);
    }
    return sum;
  }

  // x^(8 * bytes): what a sum is multiplied with when so many zero bytes follow.
  static Sum shift_past(std::uint64_t bytes) {
    Sum power = Sum{1} << (kBits - 1);       // x^0
    Sum square = Sum{1} << (kBits - 1 - 8);  // x^8
    for (; bytes != 0; bytes >>= 1) {
      if ((bytes & 1) != 0) power = product(power, square);
      square = product(square, square);
    }
    return power;
  }
};

}  // namespace scabbard
