// K19: a server that was lost for good is made anew at the one that was promoted, and holds everything.
#include <filesystem>
#include <fstream>

#include "integration/running_site.h"

namespace tapewarden::testing {
namespace {

using dkx::DriveKind;
using dkx::Intent;

class RebuiltServer : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TestSite::make();
    TW_ASSERT_OK(made);
    site_ = std::move(*made);
    TW_EXPECT_OK(site_->start_both());
    TW_EXPECT_OK(site_->wait_in_step());
  }
  TestSite& site() { return *site_; }

  Result<ServedKey> write(Which at, const TestDrive& drive, dkx::Asked asked) {
    auto link = TRY(DriveLink::connect(site(), at));
    dkx::KeyRequest request = drive.write();
    request.asked = std::move(asked);
    auto served = TRY(link.serve(drive, request));
    (void)TRY(link.ask(drive, drive.confirm(served.request, served.answer)));
    return served;
  }
  void expect_reads(Which at, const TestDrive& drive, const ServedKey& written, const std::string& what) {
    auto link = DriveLink::connect(site(), at);
    TW_ASSERT_OK(link);
    const auto read = link->serve(drive, drive.again(Intent::kRead, written));
    ASSERT_TRUE(read) << what << ": " << read.error().text();
    EXPECT_TRUE(read->data_key == written.data_key) << what;
  }
  std::size_t ledger_rows(Which at) {
    const auto rows = site().rest(at).get("/v1/ledger?limit=1000");
    EXPECT_TRUE(rows) << rows.error().text();
    return rows ? rows->at("items").as_array().size() : 0;
  }
  // A new server called `primary` beside the one that goes on.
  void rebuild_primary() {
    TW_EXPECT_OK(site().stop(Which::kSecondary));
    TW_EXPECT_OK(site().without_peer(Which::kSecondary));
    const std::string config = site().folder(Which::kSecondary) + "/keyd.toml";
    const auto made =
        run_command({program("tapewarden-keyd"), "add-secondary", "--config", config, "--ca",
                     site().path("ca"), "--dir", site().directory(), "--name", "primary", "--host",
                     "127.0.0.1:" + std::to_string(site().dkx_port(Which::kPrimary)) + ":" +
                         std::to_string(site().https_port(Which::kPrimary))},
                    site().path("rebuild.log"));
    TW_ASSERT_OK(made);
    ASSERT_EQ(made->end.exit_code, 0) << made->output;
    const std::size_t begin = made->output.find("[peer]");
    ASSERT_NE(begin, std::string::npos) << made->output;
    std::ofstream(config, std::ios::app)
        << "\n"
        << made->output.substr(begin, made->output.find("\n\n", begin) - begin) << "\n";
    TW_EXPECT_OK(site().start_both());
    TW_EXPECT_OK(site().wait_in_step());
  }

  std::unique_ptr<TestSite> site_;
};

TEST_F(RebuiltServer, K19_AServerMadeAtAPromotedOneHoldsPrivateHalvesAndTheLedger) {
  const auto lto = TestDrive::make(site(), "K19REBUILT01", DriveKind::kLto);
  TW_ASSERT_OK(lto);
  const auto wrapped = TestDrive::make(site(), "K19REBUILT02", DriveKind::k3592);
  TW_ASSERT_OK(wrapped);
  RestClient& primary = site().rest(Which::kPrimary);
  for (const auto* drive : {&*lto, &*wrapped}) TW_EXPECT_OK(drive->enrol(primary));
  TW_EXPECT_OK(primary.post("/v1/groups", json::object{{"name", "K19"}}));
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    TW_EXPECT_OK(site().rest(which).post("/v1/keys", json::object{{"count", 8}, {"group", "K19"}}));
  }
  TW_EXPECT_OK(primary.post("/v1/keks",
                            json::object{{"common_name", "k19"}, {"bits", 2048}, {"labels", {"K19 KEK"}}}));
  TW_EXPECT_OK(site().wait_in_step());
  const dkx::Asked group = dkx::GroupAsked{"K19"};
  const dkx::Asked labels = dkx::LabelsAsked{{"K19 KEK", eedk::LabelMode::kClear}};
  const auto by_lost = write(Which::kPrimary, *lto, group);
  TW_ASSERT_OK(by_lost);
  const auto by_other = write(Which::kSecondary, *lto, group);
  TW_ASSERT_OK(by_other);
  const auto sealed = write(Which::kPrimary, *wrapped, labels);
  TW_ASSERT_OK(sealed);

  site().kill_hard(Which::kPrimary);
  std::filesystem::remove_all(site().folder(Which::kPrimary));
  ASSERT_TRUE(eventually([&] {  // once it has noticed that the other is gone
    return site().rest(Which::kSecondary).post("/v1/servers/primary/promote").has_value();
  }));
  const std::size_t rows = ledger_rows(Which::kSecondary);
  EXPECT_GE(rows, 3U);
  rebuild_primary();
  if (HasFailure()) return;

  // It stands alone now, and needs nobody.
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  EXPECT_EQ(ledger_rows(Which::kPrimary), rows);
  const auto kek = primary.get("/v1/keks/K19%20KEK");
  TW_ASSERT_OK(kek);
  EXPECT_TRUE(kek->at("has_private").as_bool());
  expect_reads(Which::kPrimary, *lto, *by_lost, "a key that the lost server gave out");
  expect_reads(Which::kPrimary, *lto, *by_other, "a key that the other gave out");
  expect_reads(Which::kPrimary, *wrapped, *sealed, "EEDKs of the lost server");
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    const auto checked = site().check(which);
    TW_ASSERT_OK(checked);
    EXPECT_EQ(checked->end.exit_code, 0) << checked->output;
  }
}

}  // namespace
}  // namespace tapewarden::testing
