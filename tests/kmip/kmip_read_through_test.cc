// Read-through (K20) from a key server that nobody of this project wrote, at a real pair.
#include <gmock/gmock.h>
#include <optional>

#include "kmip/kmip_site.h"
#include "kmip/old_pykmip.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kGeneralFailure = 0x100;

class KmipReadThroughSite : public KmipSite {
 protected:
  // The primary asks that server from now on for what clients of the owner lack.
  static Status look(const std::string& owner, const OldPyKmip& old, const Files& files) {
    std::ofstream(site().folder(Which::kPrimary) + "/keyd.toml", std::ios::app)
        << "\n[[kmip.read_through]]\nowner = \"" << owner << "\"\nhost = \"127.0.0.1\"\nport = " << old.port()
        << "\ncertificate = \"" << files.certificate << "\"\nkey = \"" << files.key << "\"\nauthorities = \""
        << site().path("ca/authority.crt") << "\"\ntimeout_seconds = 10\n";
    TRY(site().stop(Which::kPrimary));
    TRY(site().start(Which::kPrimary));
    return site().wait_in_step();
  }
  static json::object state() {
    const auto all = rest().get("/v1/kmip/read-through");
    EXPECT_TRUE(all.has_value());
    return all ? all->at("items").as_array().at(0).as_object() : json::object();
  }
};

TEST_F(KmipReadThroughSite, K20_KeysOfPyKmipsServerComeAsTheyAreAskedFor) {
  const auto client = registered("reader");
  TW_ASSERT_OK(client);
  const auto stranger = registered("stranger");
  TW_ASSERT_OK(stranger);
  const auto files = files_of("reader", *client);
  auto old = OldPyKmip::start(site(), files.certificate, files.key);
  TW_ASSERT_OK(old);
  TW_EXPECT_OK(look("reader", *old, files));
  const auto& active = old->object("active");
  const auto& lost = old->object("compromised");
  {
    auto other = connect(*stranger);
    TW_ASSERT_OK(other);
    const auto nothing = other->ask(get_key(active.id));
    TW_ASSERT_OK(nothing);
    EXPECT_NE(nothing->reason, kGeneralFailure) << "it is not asked for everybody: " << nothing->message;
    EXPECT_FALSE(nothing->good());
  }
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  const auto both = link->ask({locate_name("active"), get_key()});
  TW_ASSERT_OK(both);
  ASSERT_EQ(both->size(), 2U);
  ASSERT_TRUE(both->at(1).good()) << both->at(1).message;
  EXPECT_EQ(material_of(both->at(1)), active.bytes);
  const auto by_its_id = link->ask(get_key(lost.id));
  TW_ASSERT_OK(by_its_id);
  ASSERT_TRUE(by_its_id->good()) << by_its_id->message;
  EXPECT_EQ(material_of(*by_its_id), lost.bytes);
  EXPECT_EQ(state_in(*link, lost.id), 4U);
  EXPECT_EQ(state_in(*link, active.id), 2U);
  const auto nobodys = link->ask(get_key("4711"));
  TW_ASSERT_OK(nobodys);
  EXPECT_FALSE(nobodys->good());
  EXPECT_NE(nobodys->reason, kGeneralFailure);
  EXPECT_EQ(state().at("adopted").to_number<int>(), 2);
  EXPECT_EQ(state().at("not_there").to_number<int>(), 1);
  EXPECT_EQ(state().at("state").as_string(), "answering");
  {
    auto peer = connect(*client, Which::kSecondary);
    TW_ASSERT_OK(peer);
    const auto there = peer->ask(get_key(active.id));
    TW_ASSERT_OK(there);
    EXPECT_TRUE(there->good()) << "the peer had it before it was served: " << there->message;
  }

  old->end();
  site().kill_hard(Which::kPrimary);
  TW_EXPECT_OK(site().start(Which::kPrimary));
  auto again = connect(*client);
  TW_ASSERT_OK(again);
  const auto kept = again->ask(get_key(active.id));
  TW_ASSERT_OK(kept);
  EXPECT_TRUE(kept->good()) << kept->message;
  EXPECT_EQ(material_of(*kept), active.bytes);
  for (const auto& asked : {get_key(old->object("waiting").id), locate_name("waiting")}) {
    const auto unknown = again->ask(asked);
    TW_ASSERT_OK(unknown);
    EXPECT_EQ(unknown->reason, kGeneralFailure) << unknown->message;
    EXPECT_THAT(unknown->message, HasSubstr("could not be asked"));
  }
  EXPECT_EQ(state().at("state").as_string(), "failing");
  const auto status = rest().get("/v1/status");
  TW_ASSERT_OK(status);
  EXPECT_THAT(json::serialize(*status), HasSubstr("the old key server 127.0.0.1 of reader does not answer"));
}

}  // namespace
}  // namespace tapewarden::testing
