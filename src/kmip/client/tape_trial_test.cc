// What the trial of a KMIP server makes of servers that lie.
#include "kmip/client/tape_trial.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "base/text.h"
#include "kmip/enumerations.h"
#include "kmip/tags.h"
#include "ttlv/item.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Writer;

constexpr const char* kMark = "FFFF";

// How many items the request has.
std::int32_t items_in(ByteView request) {
  const auto document = ttlv::decode(request).value();
  return document.root().find(tag::kRequestHeader)->find(tag::kBatchCount)->as_integer().value();
}

// An answer in which write() ends each item.
template <typename Write>
Bytes answer_to(ByteView request, const Write& write) {
  const auto items = items_in(request);
  Writer out;
  out.begin(tag::kResponseMessage).begin(tag::kResponseHeader).begin(tag::kProtocolVersion);
  out.add_integer(tag::kProtocolVersionMajor, 1).add_integer(tag::kProtocolVersionMinor, 4).end();
  out.add_integer(tag::kBatchCount, items).end();
  for (std::int32_t i = 0; i < items; ++i) {
    out.begin(tag::kBatchItem);
    write(out);
    out.end();
  }
  out.end();
  return out.take();
}

const TrialFinding* finding(const std::vector<TrialFinding>& all, std::string_view what) {
  const auto found = std::ranges::find(all, what, &TrialFinding::what);
  return found == all.end() ? nullptr : &*found;
}

TEST(TapeTrial, K21_AServerThatGivesOneKeyForAllIsFoundOut) {
  const auto found = try_tape_profile(
      [](const Bytes& request) -> Result<Bytes> {
        return answer_to(request, [](Writer& out) {
          out.add_enumeration(tag::kResultStatus, ResultStatus::kSuccess).begin(tag::kResponsePayload);
          out.add_text(tag::kUniqueIdentifier, "1");
          out.begin(tag::kSymmetricKey).begin(tag::kKeyBlock).begin(tag::kKeyValue);
          out.add_bytes(tag::kKeyMaterial, Bytes(32, 7)).end().end().end().end();
        });
      },
      kMark);
  const auto* second = finding(found, "a second one is another key");
  ASSERT_NE(second, nullptr);
  EXPECT_FALSE(second->works);
  const auto* none = finding(found, "where nothing is found, no key is given");
  ASSERT_NE(none, nullptr);
  EXPECT_NE(none->why.find("A WRONG KEY"), std::string::npos) << none->why;
  const auto* gone = finding(found, "and not given any more");
  ASSERT_NE(gone, nullptr);
  EXPECT_FALSE(gone->works);
}

TEST(TapeTrial, K21_WordsOfAStrangerAreEscapedAndCut) {
  const std::string words = "\x1b[2J\r\nall is well" + std::string(5000, 'x');
  const auto found = try_tape_profile(
      [&](const Bytes& request) -> Result<Bytes> {
        return answer_to(request, [&](Writer& out) {
          out.add_enumeration(tag::kResultStatus, ResultStatus::kOperationFailed);
          out.add_enumeration(tag::kResultReason, ResultReason::kPermissionDenied);
          out.add_text(tag::kResultMessage, words);
        });
      },
      kMark);
  ASSERT_FALSE(found.empty());
  for (const auto& one : found) {
    EXPECT_FALSE(one.works) << one.what;
    EXPECT_NE(one.why.find("all is well"), std::string::npos) << one.why;
    EXPECT_TRUE(is_printable(one.why)) << one.what;
    EXPECT_LT(one.why.size(), 500U);
  }
}

TEST(TapeTrial, K21_WhatIsNoAnswerEndsTheTrial) {
  int asked = 0;
  const auto found = try_tape_profile(
      [&](const Bytes&) -> Result<Bytes> {
        ++asked;
        return Bytes{1, 2, 3};
      },
      kMark);
  EXPECT_EQ(asked, 1);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].what, "the connection");
  EXPECT_FALSE(found[0].works);
}

}  // namespace
}  // namespace tapewarden::kmip
