#include "tape/device/drive_test_kit.h"

namespace tapewarden::tape::test {
namespace {

TEST(DriveIdentity, D2_SerialsAsTheDriveTableHasThem) {
  EXPECT_EQ(drive_table_serial("1234567890").value(), "001234567890");
  EXPECT_EQ(drive_table_serial("0000078A1234").value(), "0000078A1234");
  EXPECT_EQ(drive_table_serial("78A1234").value(), "0000078A1234");
  EXPECT_FALSE(drive_table_serial("").has_value());
  EXPECT_FALSE(drive_table_serial("1234567890123").has_value());
  EXPECT_FALSE(drive_table_serial("12 4567890").has_value());
}

TEST(DriveIdentity, D2_SaveAndLoad) {
  testing::SimEnv sim(1);
  auto& site = Site::get();
  auto spec = site.identity_spec(MediumKind::k3592, "0000078A9999");
  spec.pinned_servers = {site.server};
  const auto identity = take(DriveIdentity::make(spec));
  done(identity->save(sim.disk, "drive0"));
  const auto loaded = take(DriveIdentity::load(sim.disk, "drive0"));
  EXPECT_EQ(loaded->serial(), "0000078A9999");
  EXPECT_EQ(loaded->facts().world_wide_node_name, 0x5005076312345678U);
  EXPECT_EQ(loaded->facts().kind, MediumKind::k3592);
  EXPECT_EQ(loaded->certificate(), identity->certificate());
  EXPECT_EQ(loaded->wrapping_key(), identity->wrapping_key());
  EXPECT_TRUE(loaded->trusts(site.server));
  const auto public_key = loaded->certificate().public_key().value();
  EXPECT_TRUE(public_key.verify(as_bytes("m"), loaded->sign(as_bytes("m"))));
  // The text of the format page, put together by hand.
  ByteWriter vouched;
  vouched.text("tapewarden dkx wrapping key v1").u8(0).bytes(loaded->wrapping_key().spki());
  EXPECT_TRUE(public_key.verify(vouched.view(), loaded->wrapping_key_signature()));
  const auto wrapped =
      loaded->wrapping_key().wrap(crypto::SecretBytes::copy_of(key_bytes(1)), as_bytes("l")).value();
  EXPECT_TRUE(equal(loaded->unwrap(wrapped, as_bytes("l"))->reveal(), key_bytes(1)));
  EXPECT_FALSE(loaded->unwrap(wrapped, as_bytes("x")).has_value());
}

TEST(DriveIdentity, D2_DamagedDirectoriesNameWhatIsWrong) {
  testing::SimEnv sim(1);
  EXPECT_EQ(DriveIdentity::load(sim.disk, "none").error().code, ErrorCode::kNotFound);
  done(Site::get().lto->save(sim.disk, "d"));
  sim.disk.content("d/drive.txt") = to_bytes("serial 1\ncolour blue\n");
  EXPECT_EQ(DriveIdentity::load(sim.disk, "d").error().code, ErrorCode::kInvalidArgument);
  sim.disk.content("d/drive.txt") = to_bytes("serial 1234567890\nwwnn 12\nkind lto\n");
  EXPECT_EQ(DriveIdentity::load(sim.disk, "d").error().field, "wwnn");
  done(Site::get().lto->save(sim.disk, "d"));
  sim.disk.content("d/wrapping-key.pem") = sim.disk.content("d/identity-key.pem");
  EXPECT_EQ(DriveIdentity::load(sim.disk, "d").error().field, "wrapping key");
  done(Site::get().lto->save(sim.disk, "d"));
  done(Site::get().enterprise->save(sim.disk, "e"));
  sim.disk.content("d/identity.pem") = sim.disk.content("e/identity.pem");
  EXPECT_EQ(DriveIdentity::load(sim.disk, "d").error().field, "certificate");
}

TEST(DriveIdentity, D2_TrustNeedsTheAuthorityAndTheUnit) {
  auto& site = Site::get();
  EXPECT_TRUE(site.lto->trusts(site.server));
  EXPECT_FALSE(site.lto->trusts(site.lto->certificate()));
  EXPECT_FALSE(site.lto->trusts(site.authority));
  EXPECT_FALSE(site.lto->trusts({}));
  // A name that only looks like the unit.
  const auto key = crypto::PrivateKey::generate_p256();
  EXPECT_FALSE(site.lto->trusts(site.certify("x,OU=keyd", "drive", key.public_key())));
  EXPECT_FALSE(site.lto->trusts(site.certify("x+OU=keyd", "keyd2", key.public_key())));
}

}  // namespace
}  // namespace tapewarden::tape::test
