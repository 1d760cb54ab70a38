// What the other server may write into the tables of sharing.
#include "keymgr/sharing/peer_rules.h"

#include "keymgr/sharing/partners.h"
#include "keymgr/sharing/sharing_test_kit.h"
#include "keymgr/sharing/transfers.h"

namespace tapewarden::keymgr::sharing {
namespace {

using testing::Site;
using testing::TwoSites;

struct SharingRights : TwoSites {
  // As the row would come from the other server of site a; "" when it is taken.
  std::string refusal(const store::TableSpec& table, const store::Row& row, bool everything = false,
                      bool erased = false) {
    Status status;
    EXPECT_TRUE(a.keystore().read([&](store::Reader& reader) -> Status {
      const auto secret = [&](std::size_t column) { return reader.unseal(table, row, column); };
      const WallTime now = a.manager().context().now();
      const store::IncomingRow in{row,        nullptr, 1,      erased, peer, a.manager().context().server,
                                  everything, now,     reader, secret};
      status = table.peer.check(table, in);
      return {};
    }));
    return status ? "" : status.error().message;
  }
  template <typename T>
  T only(Result<std::vector<T>> (*list)(store::Reader&)) {
    T out;
    EXPECT_TRUE(a.keystore().read([&](store::Reader& reader) -> Status {
      const auto all = TRY(list(reader));
      EXPECT_EQ(all.size(), 1U);
      out = all.front();
      return {};
    }));
    return out;
  }

  const Uuid peer = Uuid::from(Bytes(16, 7));
};

TEST_F(SharingRights, K19_OwnCertificatesComeWithTheirKeysAlone) {
  const auto own = only<OwnCertificate>(own_certificates);
  EXPECT_EQ(refusal(kOwnCertificateTable, own.to_row()), "");
  auto bad = own;
  bad.sealed_sealing_key.clear();
  EXPECT_NE(refusal(kOwnCertificateTable, bad.to_row()), "");
  bad = own;
  std::swap(bad.identity, bad.certificate);
  EXPECT_NE(refusal(kOwnCertificateTable, bad.to_row()), "");
  bad = own;
  bad.identity = only<Partner>(list_partners).identity;
  EXPECT_NE(refusal(kOwnCertificateTable, bad.to_row()).find("not issued"), std::string::npos);
  bad = own;
  bad.name = std::string(kSiteNameLimit + 1, 'x');
  EXPECT_NE(refusal(kOwnCertificateTable, bad.to_row()), "");
}

TEST_F(SharingRights, K19_APartnersFingerprintIsThatOfItsCertificates) {
  const auto partner = only<Partner>(list_partners);
  EXPECT_EQ(refusal(kPartnerTable, partner.to_row()), "");
  auto bad = partner;
  bad.fingerprint[0] ^= 1;
  EXPECT_NE(refusal(kPartnerTable, bad.to_row()).find("fingerprint"), std::string::npos);
  bad = partner;
  bad.identity.clear();
  EXPECT_NE(refusal(kPartnerTable, bad.to_row()), "") << "the fingerprint is the identity's";
  bad = partner;
  bad.certificate = Bytes(40, 1);
  EXPECT_NE(refusal(kPartnerTable, bad.to_row()), "");
  bad = partner;
  bad.name = "lower";
  EXPECT_NE(refusal(kPartnerTable, bad.to_row()), "");
  EXPECT_NE(refusal(kPartnerTable, bad.to_row(), false, true), "");
  EXPECT_EQ(refusal(kPartnerTable, partner.to_row(), false, true), "");
}

TEST_F(SharingRights, K19_NobodyTellsWhatAnotherServerGaveAway) {
  ASSERT_TRUE(a.manager().create_group(keymgr::testing::officer(), "G", {}));
  ASSERT_TRUE(a.manager().generate_keys(keymgr::testing::officer(), 1, "ABC", "G"));
  TW_ASSERT_OK(a.give("B", {.groups = {"G"}, .unused = true}));
  const auto given = only<Transfer>(list_transfers);
  EXPECT_NE(refusal(kTransferTable, given.to_row()), "") << "this server's own";
  EXPECT_EQ(refusal(kTransferTable, given.to_row(), true), "") << "asked for after a restore";
  auto theirs = given;
  theirs.server = peer;
  EXPECT_EQ(refusal(kTransferTable, theirs.to_row()), "");
  theirs.keys = static_cast<std::int64_t>(kMaximumSharedKeys) + 1;
  EXPECT_NE(refusal(kTransferTable, theirs.to_row()), "");
  theirs = given;
  theirs.direction = Direction::kReceived;
  EXPECT_EQ(refusal(kTransferTable, theirs.to_row()), "");
  theirs.direction = static_cast<Direction>(3);
  EXPECT_NE(refusal(kTransferTable, theirs.to_row()), "");
  const auto keys = [&](std::size_t size) {
    return store::Row{to_bytes(given.file.view()), std::int64_t{1}, std::int64_t{0}, Bytes(size, 1)};
  };
  EXPECT_EQ(refusal(kTransferKeysTable, keys(32)), "");
  EXPECT_NE(refusal(kTransferKeysTable, keys(33)), "");
  EXPECT_NE(refusal(kTransferKeysTable, keys(16 * (kFingerprintsPerRow + 1))), "");
}

}  // namespace
}  // namespace tapewarden::keymgr::sharing
