#include "sector/proof_type.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace scabbard::sector {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// 00 01 .. 1f
Seed counting_seed() {
  Seed seed;
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::byte>(i);
  return seed;
}

TEST(ProofTypeTest, Names_are_those_of_damocles) {
  for (const char* name : {"StackedDrgWinning2KiBV1", "StackedDrgWindow64GiBV1", "StackedDrgWindow32GiBV1_2",
                           "StackedDrgWindow8MiBV1_2"}) {
    const auto type = parse_proof_type(name);
    ASSERT_THAT(type, Succeeds()) << name;
    EXPECT_EQ(to_string(*type), name);
  }
  EXPECT_EQ(parse_proof_type("StackedDrgWindow32GiBV1_2")->kind, ProofKind::kWindowV12);
  EXPECT_EQ(parse_proof_type("StackedDrgWindow32GiBV1")->kind, ProofKind::kWindowV1);
  EXPECT_TRUE(parse_proof_type("StackedDrgWinning32GiBV1")->is_winning());
}

TEST(ProofTypeTest, Anything_else_is_refused) {
  for (const char* name : {"", "StackedDrgWindowV1", "StackedDrgWinning32GiBV1_2", "StackedDrgWindow32GiBV2",
                           "StackedDrgWindow33GiBV1", "StackedDrg32GiBV1_1", "stackeddrgwindow32gibv1"}) {
    EXPECT_THAT(parse_proof_type(name), FailsWith(ErrorCode::kInvalidArgument)) << name;
  }
}

// Known answers, computed by filecoin-proofs 19.1.
TEST(ProofTypeTest, Challenges_are_those_of_the_stock_prover) {
  EXPECT_THAT(challenged_leaves(*parse_proof_type("StackedDrgWindow32GiBV1_2"), counting_seed(), 7, 0),
              ElementsAre(608454561, 354995621, 399825389, 347619957, 956114980, 576011694, 205773363, 128991383,
                          1039344964, 907731871));
  EXPECT_THAT(challenged_leaves(*parse_proof_type("StackedDrgWindow2KiBV1_2"), counting_seed(), 7, 0),
              ElementsAre(33, 37, 45, 53, 36, 46, 51, 23, 4, 31));
}

TEST(ProofTypeTest, Only_V1_challenges_by_the_place_of_a_sector) {
  const Seed seed = counting_seed();
  const ProofType v1 = *parse_proof_type("StackedDrgWindow32GiBV1");
  const ProofType v1_2 = *parse_proof_type("StackedDrgWindow32GiBV1_2");
  EXPECT_EQ(challenged_leaves(v1, seed, 7, 0), challenged_leaves(v1_2, seed, 7, 0));
  EXPECT_NE(challenged_leaves(v1, seed, 7, 1), challenged_leaves(v1_2, seed, 7, 1));
  EXPECT_EQ(challenged_leaves(v1_2, seed, 7, 1), challenged_leaves(v1_2, seed, 7, 0));
}

TEST(ProofTypeTest, A_seed_is_64_hexadecimal_digits) {
  EXPECT_THAT(parse_seed("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1F"), Gives(counting_seed()));
  const std::string zeros(62, '0');
  for (const std::string& text : {std::string(), zeros, zeros + "000", zeros + "0g", zeros + "+1", zeros + " 1"}) {
    EXPECT_THAT(parse_seed(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(ProofTypeTest, A_seed_that_the_stock_prover_would_refuse_is_none) {
  const std::string zeros(62, '0');
  EXPECT_THAT(parse_seed(zeros + "3f"), Succeeds());
  EXPECT_THAT(parse_seed(zeros + "40"), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(ProofTypeTest, A_winning_sector_is_challenged_66_times) {
  EXPECT_THAT(challenged_leaves(*parse_proof_type("StackedDrgWinning32GiBV1"), counting_seed(), 7, 0), SizeIs(66));
}

}  // namespace
}  // namespace scabbard::sector
