// Backup files that were changed, cut, exchanged or signed by somebody else.
#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>

#include "crypto/random.h"
#include "keymgr/custody/backup/testing/backup_fixture.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::backup {
namespace {

using testing::BackupFixture;
using testing::secret_of;

Bytes content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
void put(const std::string& path, ByteView content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << as_text(content);
}

// Knows the tables and keeps nothing.
class NullVisitor final : public ContentVisitor {
 public:
  Status site_file(SiteFile) override { return {}; }
  Result<const store::TableSpec*> begin_table(const std::string& name,
                                              const std::vector<std::string>&) override {
    for (const auto* table : testing::all_tables()) {
      if (table->name == name) return table;
    }
    return fail(ErrorCode::kNotFound, "no table " + name);
  }
  Status row(const ClearRow&) override { return {}; }
  Status end_table(const std::string&, const store::TableTotals&) override { return {}; }
};

class BackupFile : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(f.make_group("DAILY", 2).has_value());
    ASSERT_TRUE(f.add_target("one").has_value());
    ASSERT_TRUE(f.run().has_value());
    path = f.files().at(0);
    good = content_of(path);
    trust.fingerprint = f.server.manager().context().signing_certificate.fingerprint();
  }

  Status read(const std::string& from) {
    const auto reader = TRY(FileReader::open(*f.env().disk, from));
    TRY(reader->check_signature());
    TRY(trust.check(TRY(reader->signer())));
    TRY(reader->unlock(TRY(f.opener.open(reader->header()))));
    NullVisitor visitor;
    (void)TRY(read_content(*reader, visitor));
    return {};
  }
  // Whether the file with this content is refused in words.
  bool refused(ByteView content) {
    const std::string other = f.media.file("changed.twb");
    put(other, content);
    const Status got = read(other);
    return !got && !got.error().message.empty();
  }
  std::size_t signature_start() const {
    // u16 length and a DER signature of 70 to 72 bytes stand at the end.
    for (std::size_t size = 64; size < 80; ++size) {
      const std::size_t at = good.size() - size - 2;
      if (good[at] == 0 && good[at + 1] == size && good[at + 2] == 0x30) return at;
    }
    ADD_FAILURE() << "no signature";
    return 0;
  }
  // Signed anew by the server itself, so that the tags alone stand guard.
  Bytes signed_anew(Bytes content) {
    content.resize(signature_start());
    crypto::Sha256 hash;
    hash.update(content);
    ByteWriter end;
    end.bytes16(f.server.manager().context().signing_key.sign(signed_message(hash.finish())));
    const Bytes signature = end.take();
    content.insert(content.end(), signature.begin(), signature.end());
    return content;
  }

  BackupFixture f;
  std::string path;
  Bytes good;
  SignerTrust trust;
};

TEST_F(BackupFile, K17_EachFlippedByteIsRefused) {
  ASSERT_TRUE(read(path).has_value()) << read(path).error().text();
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes changed = good;
    changed[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
    ASSERT_TRUE(refused(changed)) << "byte " << i << " of " << good.size();
  }
}

TEST_F(BackupFile, K17_EachFlippedByteOfAChunkIsRefusedByItsTagAlone) {
  const std::size_t start = encode_header(FileReader::open(*f.env().disk, path).value()->header()).size();
  ASSERT_TRUE(read(path).has_value());
  ASSERT_FALSE(refused(signed_anew(good)));
  for (std::size_t i = start; i < signature_start(); i += 7) {
    Bytes changed = good;
    changed[i] ^= 0x10;
    ASSERT_TRUE(refused(signed_anew(changed))) << "byte " << i;
  }
  // The header is associated data of each chunk.
  for (std::size_t i = kHeaderStart + 1; i < start; i += 11) {
    Bytes changed = good;
    changed[i] ^= 0x01;
    ASSERT_TRUE(refused(signed_anew(changed))) << "byte " << i;
  }
}

TEST_F(BackupFile, K17_EachCutIsRefused) {
  for (std::size_t size = 0; size < good.size(); size += size < 400 || size + 400 > good.size() ? 1U : 53U) {
    ASSERT_TRUE(refused(ByteView(good).first(size))) << "length " << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_TRUE(refused(longer));
}

TEST_F(BackupFile, K17_NoSecretIsInTheFile) {
  for (const auto& [alias, key] : f.keys(f.server.manager())) {
    const Bytes secret = *from_hex(key);
    EXPECT_TRUE(std::ranges::search(good, secret).empty()) << alias;
    EXPECT_TRUE(std::ranges::search(good, as_bytes(alias)).empty()) << alias;
  }
  EXPECT_TRUE(std::ranges::search(good, as_bytes("the TLS key")).empty());
}

TEST_F(BackupFile, K17_AForeignSignerIsShownAndRefused) {
  crypto::SystemRandom random;
  const auto key = crypto::PrivateKey::generate_p256();
  crypto::CertificateSpec spec;
  spec.common_name = "mallory";
  spec.organizational_unit = "keyd";
  spec.use = crypto::CertificateUse::kSigning;
  spec.not_before = f.server.clock.wall_now();
  spec.not_after = spec.not_before + std::chrono::hours(24);
  const auto certificate = crypto::self_signed_certificate(spec, key, random).value();
  FileHeader header = FileReader::open(*f.env().disk, path).value()->header();
  header.signer = certificate.der();
  header.base = 77;
  const auto file_key = f.opener.open(header).value().clone();
  auto writer = FileWriter::create(f.env(), f.folder("other"), header, file_key);
  ASSERT_TRUE(writer.has_value());
  const auto written = (*writer)->finish(key);
  ASSERT_TRUE(written.has_value()) << written.error().text();
  const Status got = read(f.folder("other") + "/" + written->name);
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, ErrorCode::kPermissionDenied);
  EXPECT_NE(got.error().message.find(to_hex(certificate.fingerprint())), std::string::npos);
  // An authority that did not issue it helps nobody, nor does the forger's own certificate among them.
  trust.authorities = {f.server.manager().context().signing_certificate};
  EXPECT_FALSE(read(f.folder("other") + "/" + written->name).has_value());
}

TEST_F(BackupFile, K17_WrongSecretsAreToldApart) {
  f.opener = Opener(secret_of("not the passphrase"));
  EXPECT_EQ(read(path).error().code, ErrorCode::kWrongKey);
  EXPECT_EQ(read(path).error().field, "passphrase");
  f.opener = Opener(keymgr::testing::shared_rsa(0));
  EXPECT_EQ(read(path).error().field, "passphrase");
}

TEST_F(BackupFile, K17_AFileThatIsCutOffHasNoFinalName) {
  FileHeader header = FileReader::open(*f.env().disk, path).value()->header();
  header.base = 9;
  const std::string folder = f.folder("cut");
  {
    auto writer = FileWriter::create(f.env(), folder, header, secret_of("0123456789abcdef0123456789abcdef"));
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE((*writer)->write(Bytes(200'000, 7)).has_value());
    EXPECT_EQ(f.env().disk->list(folder).value().size(), 1U);
    EXPECT_TRUE(look_into(*f.env().disk, folder).value().files.empty());
  }
  EXPECT_TRUE(f.env().disk->list(folder).value().empty());
}

TEST(BackupHeader, K17_ScryptCostsBeyondReasonAreRefused) {
  BackupFixture f;
  FileHeader header;
  PassphraseSeal seal;
  seal.cost = {std::uint64_t{1} << 40, 8, 1};
  seal.envelope = Bytes(40);
  header.seal = seal;
  EXPECT_EQ(f.opener.open(header).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace tapewarden::keymgr::backup
