// K16: a key server's memory holds no data key beyond the moment in which it is served.
#include <algorithm>

#include "harness/key_record.h"
#include "integration/process_memory.h"
#include "integration/running_site.h"

namespace tapewarden::testing {
namespace {

using dkx::DriveKind;
using dkx::Intent;

constexpr int kKeys = 40;  // served by each method
constexpr std::chrono::milliseconds kSettle{5'000};

class KeydMemory : public RunningSite {};

TEST_F(KeydMemory, K16_MemoryOfKeydHoldsNoDataKey) {
  ASSERT_TRUE(make_group("K16", 2 * kKeys).has_value());
  TW_EXPECT_OK(
      rest().post("/v1/keks", json::object{{"common_name", "k16"}, {"bits", 2048}, {"labels", {"K16 KEK"}}}));
  const auto lto = enrolled_drive("K16LTO000001", DriveKind::kLto);
  TW_ASSERT_OK(lto);
  const auto wrapped = enrolled_drive("K16WRAP00001", DriveKind::k3592);
  TW_ASSERT_OK(wrapped);
  TW_EXPECT_OK(site().wait_in_step());

  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  auto other = DriveLink::connect(site(), Which::kSecondary);
  TW_ASSERT_OK(other);
  std::vector<ServedKey> served;
  for (int i = 0; i < kKeys; ++i) {
    dkx::KeyRequest request = lto->write();
    request.asked = dkx::GroupAsked{"K16"};
    auto key = link->serve(*lto, request);
    TW_ASSERT_OK(key);
    served.push_back(*std::move(key));
    EXPECT_EQ(code_of(link->serve(*lto, lto->again(Intent::kAppend, served.back()))), "served");
    EXPECT_EQ(code_of(other->serve(*lto, lto->again(Intent::kRead, served.back()))), "served");
    request = wrapped->write();
    request.asked = dkx::LabelsAsked{{"K16 KEK", eedk::LabelMode::kHash}};
    key = link->serve(*wrapped, request);
    TW_ASSERT_OK(key);
    served.push_back(*std::move(key));
    EXPECT_EQ(code_of(link->serve(*wrapped, wrapped->again(Intent::kRead, served.back()))), "served");
    EXPECT_EQ(code_of(other->serve(*wrapped, wrapped->again(Intent::kAppend, served.back()))), "served");
  }

  std::vector<ByteView> needles;
  for (const auto& key : served) needles.push_back(key.data_key.reveal());
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    // The search finds what is there: the server's own signing certificate, 32 bytes of it.
    const auto servers = site().rest(which).get("/v1/servers");
    TW_ASSERT_OK(servers);
    const std::string pem =
        servers->at("items").at(0).at("signing_certificate").at("pem").as_string().c_str();
    const auto certificate = crypto::Certificate::from_pem(pem);
    TW_ASSERT_OK(certificate);
    const Bytes der = certificate->der();
    const auto planted = search_memory(site().pid(which), {ByteView(der).subspan(der.size() / 2, 32)});
    if (!planted && planted.error().code == ErrorCode::kPermissionDenied) {
      GTEST_SKIP() << "not allowed to read the server's memory: " << planted.error().text();
    }
    TW_ASSERT_OK(planted);
    ASSERT_FALSE(planted->hits.empty()) << "the search does not work";

    Result<MemorySearch> found = MemorySearch{};
    eventually(
        [&] {
          found = search_memory(site().pid(which), needles);
          return !found || found->hits.empty();
        },
        kSettle);
    TW_ASSERT_OK(found);
    std::printf("K16: %s: %zu keys looked for in %llu bytes, %zu copies found\n", to_string(which).c_str(),
                needles.size(), static_cast<unsigned long long>(found->bytes), found->hits.size());
    for (const auto& hit : found->hits) {
      ADD_FAILURE() << to_string(which) << ": the data key of "
                    << (std::holds_alternative<eedk::EedkSet>(served[hit.needle].answer.to_hold) ? "EEDKs"
                                                                                                 : "an alias")
                    << " at " << std::hex << hit.address << " in " << hit.mapping;
    }
  }
}

}  // namespace
}  // namespace tapewarden::testing
