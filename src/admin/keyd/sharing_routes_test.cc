// K18 by REST: partners, the second officer's consent to an export, files in parts.
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/keyd/testing/keyd_client.h"
#include "base/base64.h"
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/key_export.h"
#include "keymgr/sharing/own_certificate.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
namespace sharing = keymgr::sharing;
using people::Role;
using ::testing::HasSubstr;
using testing::Outcome;

class SharingRoutes : public testing::KeydClient {
 protected:
  SharingRoutes() {
    add_officer("second");
    const auto own =
        sharing::give_own_certificate(partner_.manager(), keymgr::Actor::system(), {.bits = 2048});
    certificate_ = own->bundle().value();
    fingerprint_ = sharing::spoken(own->fingerprint());
  }
  Outcome import_partner() {
    return officer("POST", "/v1/partners", {{"name", "Vienna"}, {"certificate", certificate_}});
  }
  Outcome confirm() {
    return officer("POST", "/v1/partners/vienna/confirm",
                   {{"fingerprint", fingerprint_}, {"read_by", "Anna"}});
  }
  Outcome export_range(const std::string& approval = {}) {
    return officer("POST", "/v1/keys/export",
                   {{"partner", "VIENNA"}, {"ranges", json::array{"AAA000000000000000001-0F"}}}, approval);
  }
  // A file of the partner's for this server.
  Bytes partners_file(const std::string& range) {
    const auto own = officer("POST", "/v1/partners/certificate");
    auto& theirs = partner_.manager();
    const auto actor = keymgr::Actor::system();
    EXPECT_TRUE(sharing::put_partner(theirs, actor, "US", own.text("certificate"), false));
    EXPECT_TRUE(sharing::confirm_partner(theirs, actor, "US", own.text("fingerprint"), ""));
    EXPECT_TRUE(theirs.generate_key_range(actor, range, ""));
    auto made = sharing::export_keys(theirs, actor, {"US", {.ranges = {range}}}, {});
    EXPECT_TRUE(made) << made.error().text();
    return std::move(made->file);
  }

  testing::KeydFixture partner_;
  std::string certificate_;
  std::string fingerprint_;
};

TEST_F(SharingRoutes, K18_PartnersAreImportedConfirmedShownAndForgotten) {
  const auto partner = import_partner();
  ASSERT_EQ(partner.status, 201U) << partner.body;
  EXPECT_EQ(json::serialize(partner.body).find(fingerprint_), std::string::npos) << "it must be heard";
  EXPECT_EQ(partner.text("confirmed"), "");
  EXPECT_TRUE(partner.body.at("warnings").as_array().empty());
  EXPECT_THAT(partner.text("remark"), HasSubstr("not confirmed"));
  EXPECT_EQ(
      as(Role::kOperator, "POST", "/v1/partners", {{"name", "X"}, {"certificate", certificate_}}).status,
      403U);
  EXPECT_EQ(officer("POST", "/v1/partners/vienna/confirm", {{"fingerprint", "0000 0000"}}).status, 400U);
  ASSERT_EQ(confirm().status, 200U);
  const auto shown = as(Role::kAuditor, "GET", "/v1/partners/Vienna");
  EXPECT_EQ(shown.status, 200U);
  EXPECT_EQ(shown.text("fingerprint"), fingerprint_);
  EXPECT_EQ(shown.text("read_by"), "Anna");
  EXPECT_EQ(shown.text("remark"), "");
  EXPECT_EQ(officer("GET", "/v1/partners").items(), 1U);
  EXPECT_EQ(officer("DELETE", "/v1/partners/vienna").status, 204U);
  EXPECT_EQ(officer("GET", "/v1/partners/vienna").status, 404U);
}

TEST_F(SharingRoutes, K18_TheSecondOfficerConsentsToJustTheseKeys) {
  set_two_person(true);
  ASSERT_EQ(import_partner().status, 201U);
  ASSERT_EQ(officer("POST", "/v1/partners/certificate").status, 200U);
  ASSERT_EQ(officer("POST", "/v1/keys", {{"range", "AAA000000000000000001-02"}}).status, 201U);
  const auto unconfirmed = export_range();
  EXPECT_EQ(unconfirmed.status, 409U) << "told before anybody is asked";
  ASSERT_EQ(confirm().status, 200U);
  const auto asked = export_range();
  ASSERT_EQ(asked.status, 202U) << asked.body;
  EXPECT_THAT(asked.text("summary"), HasSubstr("2 keys (AAA000000000000000001, AAA000000000000000002)"));
  EXPECT_THAT(asked.text("summary"), HasSubstr(fingerprint_));
  const std::string id = asked.text("approval");
  ASSERT_EQ(call("second", "POST", "/v1/approvals/" + id + "/approve").status, 200U);
  ASSERT_EQ(officer("POST", "/v1/keys", {{"range", "AAA000000000000000003"}}).status, 201U);
  EXPECT_EQ(export_range(id).status, 409U) << "three keys are not what was consented to";
  const std::string again = export_range().text("approval");
  EXPECT_NE(again, id);
  ASSERT_EQ(call("second", "POST", "/v1/approvals/" + again + "/approve").status, 200U);
  const auto given = export_range(again);
  ASSERT_EQ(given.status, 200U) << given.body;
  EXPECT_EQ(given.body.at("keys").to_number<int>(), 3);
  EXPECT_EQ(export_range(again).status, 409U) << "used once";
  const auto transfers = officer("GET", "/v1/keys/AAA000000000000000001/transfers");
  ASSERT_EQ(transfers.items(), 1U);
  EXPECT_EQ(transfers.body.at("items").at(0).at("approved_by").as_string(), "second");
}

TEST_F(SharingRoutes, K10_WhoDestroysAKeyIsToldOfThePartnersThatHaveIt) {
  set_two_person(true);
  ASSERT_EQ(officer("POST", "/v1/partners/certificate").status, 200U);
  ASSERT_EQ(import_partner().status, 201U);
  ASSERT_EQ(confirm().status, 200U);
  ASSERT_EQ(officer("POST", "/v1/keys", {{"range", "AAA01-02"}}).status, 201U);
  const std::string first = "/v1/keys/AAA000000000000000001";
  const auto exported =
      both("POST", "/v1/keys/export", {{"partner", "VIENNA"}, {"aliases", {"AAA000000000000000001"}}});
  ASSERT_EQ(exported.status, 200U) << exported.body;
  for (const auto& key : {first, std::string("/v1/keys/AAA000000000000000002")}) {
    ASSERT_EQ(officer("PUT", key + "/state", {{"state", "deactivated"}}).status, 200U);
  }
  const auto asked = officer("POST", first + "/destroy");
  ASSERT_EQ(asked.status, 202U) << asked.body;
  EXPECT_THAT(asked.text("summary"), HasSubstr("partners keep it: given to Vienna"));
  const auto other = officer("POST", "/v1/keys/AAA000000000000000002/destroy");
  EXPECT_THAT(other.text("summary"), ::testing::Not(HasSubstr("partners")));
  ASSERT_EQ(both("POST", first + "/destroy", json::object{}).status, 200U);
  const auto proof = officer("GET", first + "/destruction-proof");
  ASSERT_EQ(proof.status, 200U) << proof.body;
  const auto document = json::parse(proof.text("document"));
  const auto& partners = document.at("tapewarden destruction 1").at("partners").at("holding_the_key");
  ASSERT_EQ(partners.as_array().size(), 1U);
  EXPECT_EQ(partners.at(0).at("name").as_string(), "Vienna");
  EXPECT_EQ(partners.at(0).at("fingerprint").as_string(), fingerprint_);
}

TEST_F(SharingRoutes, K18_AFileComesWholeOrInParts) {
  ASSERT_EQ(import_partner().status, 201U);
  ASSERT_EQ(confirm().status, 200U);
  const Bytes file = partners_file("ZZZ000000000000000001-09");
  const auto tried = officer("POST", "/v1/keys/import", {{"file", to_base64(file)}, {"dry_run", true}});
  ASSERT_EQ(tried.status, 200U) << tried.body;
  EXPECT_EQ(tried.body.at("added").to_number<int>(), 9);
  EXPECT_EQ(officer("GET", "/v1/keys/ZZZ000000000000000001").status, 404U);

  EXPECT_EQ(officer("POST", "/v1/uploads", {{"size", 0}}).status, 400U);
  EXPECT_EQ(officer("POST", "/v1/uploads", {{"size", 1LL << 40}}).status, 400U);
  const auto begun = officer("POST", "/v1/uploads", {{"size", file.size()}});
  ASSERT_EQ(begun.status, 201U);
  const std::string id = begun.text("upload");
  const auto put = [&](std::size_t at, std::size_t count, const std::string& person) {
    const auto part = ByteView(file).subspan(at, count);
    return call(person, "PUT", "/v1/uploads/" + id, {{"offset", at}, {"part", to_base64(part)}}).status;
  };
  const std::size_t half = file.size() / 2;
  EXPECT_EQ(put(0, half, "second"), 404U) << "another person's";
  EXPECT_EQ(
      officer("PUT", "/v1/uploads/" + id, {{"offset", 0}, {"part", to_base64(ByteView(file).first(half))}})
          .status,
      200U);
  EXPECT_EQ(officer("POST", "/v1/keys/import", {{"upload", id}}).status, 409U) << "a part is missing";
  EXPECT_EQ(officer("PUT", "/v1/uploads/" + id,
                    {{"offset", half + 1}, {"part", to_base64(ByteView(file).subspan(half + 1))}})
                .status,
            409U);
  EXPECT_EQ(officer("PUT", "/v1/uploads/" + id,
                    {{"offset", half}, {"part", to_base64(ByteView(file).subspan(half))}})
                .status,
            200U);
  const auto report = officer("POST", "/v1/keys/import", {{"upload", id}});
  ASSERT_EQ(report.status, 200U) << report.body;
  EXPECT_EQ(report.body.at("added").to_number<int>(), 9);
  EXPECT_EQ(officer("POST", "/v1/keys/import", {{"upload", id}}).status, 404U) << "it was used";
  EXPECT_EQ(officer("POST", "/v1/keys/import").status, 400U);
  EXPECT_EQ(officer("GET", "/v1/keys/ZZZ000000000000000001").text("origin"), "imported");
}

}  // namespace
}  // namespace tapewarden::admin
