#include "extproc/messages.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/text.hpp"

namespace scabbard::extproc {
namespace {

using nlohmann::json;

std::optional<std::uint64_t> id_of_bad(std::string_view line) {
  auto request = parse_request(line);
  EXPECT_FALSE(request) << line;
  return request ? std::nullopt : request.error().id;
}

TEST(MessagesTest, A_request_is_an_id_and_a_task) {
  auto request = parse_request(R"({"id":7,"task":{"sealed_file":"/a"}})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->id, 7);
  EXPECT_EQ(request->task, json({{"sealed_file", "/a"}}));
}

TEST(MessagesTest, Fields_that_are_not_known_and_their_order_do_not_matter) {
  auto request = parse_request("{ \"trace\": {\"id\": 3}, \"task\": [1], \"id\": 7 }\r");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->id, 7);
  EXPECT_EQ(request->task, json::array({1}));
}

TEST(MessagesTest, Escapes_as_Go_writes_them) {
  auto request = parse_request(R"({"id":1,"task":"\u003ca\u003e \u0026 \ud83d\udde1"})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->task, "<a> & \U0001F5E1");
}

TEST(MessagesTest, Ids_are_u64) {
  auto request = parse_request(R"({"id":18446744073709551615,"task":0})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->id, std::numeric_limits<std::uint64_t>::max());
  for (auto id : {"18446744073709551616", "-1", "1.0", "\"1\"", "null", "true"}) {
    EXPECT_EQ(id_of_bad(std::string(R"({"id":)") + id + R"(,"task":0})"), std::nullopt) << id;
  }
}

TEST(MessagesTest, A_task_may_be_null_but_not_missing) {
  EXPECT_TRUE(parse_request(R"({"id":1,"task":null})"));
  EXPECT_EQ(id_of_bad(R"({"id":1})"), 1);
  EXPECT_EQ(id_of_bad(R"({"tasks":1,"id":1})"), 1);
}

TEST(MessagesTest, What_is_no_object_shows_no_id) {
  for (auto line : {"7", "[7]", "\"id\"", "null", "{}", "{\"task\":1}", "transfer processor ready"}) {
    EXPECT_EQ(id_of_bad(line), std::nullopt) << line;
  }
}

TEST(MessagesTest, A_broken_line_shows_its_id_where_it_begins_with_it) {
  EXPECT_EQ(id_of_bad(R"({"id":12,"task":{"a":)"), 12);
  EXPECT_EQ(id_of_bad(" {\t\"id\" : 12 , \"task\""), 12);
  EXPECT_EQ(id_of_bad(R"({"id":12,"task":"\x"})"), 12);
  EXPECT_EQ(id_of_bad(R"({"id":12,"task":1}{"id":13,"task":1})"), 12);
  EXPECT_EQ(id_of_bad(std::string(R"({"id":18446744073709551615,"task":)") + "\xff"), 18446744073709551615U);
}

TEST(MessagesTest, A_number_that_nothing_holds_breaks_a_line) {
  EXPECT_EQ(id_of_bad(R"({"id":12,"task":1e999})"), 12);
  EXPECT_EQ(id_of_bad(R"({"task":1e999,"id":12})"), std::nullopt);
}

TEST(MessagesTest, An_id_that_may_be_part_of_another_is_none) {
  EXPECT_EQ(id_of_bad(R"({"id":12)"), std::nullopt);
  EXPECT_EQ(id_of_bad(R"({"id":12.5,"task":)"), std::nullopt);
  EXPECT_EQ(id_of_bad(R"({"id":18446744073709551616,"task":)"), std::nullopt);
  EXPECT_EQ(id_of_bad(R"({"task":{"id":12,"b":)"), std::nullopt);
  EXPECT_EQ(id_of_bad(R"("id":12,)"), std::nullopt);
  EXPECT_EQ(id_of_bad(R"({"id":)"), std::nullopt);
}

TEST(MessagesTest, What_is_nested_too_deeply_is_refused) {
  const std::string sound = R"({"id":5,"task":)" + std::string(120, '[') + std::string(120, ']') + "}";
  EXPECT_TRUE(parse_request(sound));
  const std::string deep = R"({"id":5,"task":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  EXPECT_EQ(id_of_bad(deep), 5);
}

TEST(MessagesTest, Of_error_and_output_one_is_null) {
  EXPECT_EQ(answer(18446744073709551615U, json({{"faults", json::array()}})),
            "{\"id\":18446744073709551615,\"err_msg\":null,\"output\":{\"faults\":[]}}\n");
  EXPECT_EQ(answer(7, Error{.message = "stat \"a\": not found", .request_id = {}}),
            "{\"id\":7,\"err_msg\":\"stat \\\"a\\\": not found\",\"output\":null}\n");
}

TEST(MessagesTest, An_answer_is_one_line_of_UTF_8_whatever_is_in_it) {
  const std::string bad = "a\nb\xff\xe2\x80\xae";
  for (const std::string& line : {answer(1, Error{.message = bad, .request_id = {}}), answer(1, json(bad))}) {
    EXPECT_TRUE(is_utf8(line)) << line;
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    EXPECT_TRUE(json::accept(line)) << line;
  }
}

TEST(MessagesTest, An_error_shows_no_secret) {
  const std::string line = answer(1, Error{.message = "GET https://me:hunter2@host/: refused", .request_id = {}});
  EXPECT_EQ(line.find("hunter2"), std::string::npos) << line;
}

}  // namespace
}  // namespace scabbard::extproc
