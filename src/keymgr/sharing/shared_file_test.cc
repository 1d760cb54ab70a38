// K18: the file itself, with a sender and a recipient but no key server.
#include "keymgr/sharing/shared_file.h"

#include <gtest/gtest.h>

#include "crypto/cms.h"
#include "crypto/random.h"
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::sharing {
namespace {

class SharedFile : public ::testing::Test {
 protected:
  SharedFile() {
    crypto::CertificateSpec spec;
    spec.common_name = "sender";
    spec.use = crypto::CertificateUse::kAuthority;
    spec.not_before = from_millis(1'600'000'000'000);
    spec.not_after = from_millis(2'600'000'000'000);
    identity = crypto::self_signed_certificate(spec, signing, random).value();
  }

  FileHeader header(std::uint32_t keys) {
    FileHeader out;
    out.id.bytes.fill(9);
    out.made = from_millis(1'700'000'000'000);
    out.from = "Munich";
    out.server.bytes.fill(3);
    out.keys = keys;
    out.recipient = recipient.fingerprint();
    out.recipient_identity.fill(7);
    out.signer = identity.der();
    out.envelope = crypto::seal_to_recipients(file_key, {&recipient, 1}).value();
    return out;
  }
  static SharedKey key(std::string alias, const crypto::SecretBytes& secret) {
    SharedKey out;
    out.alias = std::move(alias);
    out.state = KeyState::kDeactivated;
    out.times.created = from_millis(1'650'000'000'000);
    out.times.deactivated = from_millis(1'660'000'000'000);
    out.owner.bytes.fill(3);
    out.group = "DAILY";
    out.fingerprint = fingerprint_of(secret);
    return out;
  }
  Bytes file_of(std::size_t keys, std::uint32_t said) {
    FileBuilder builder(header(said), file_key);
    for (std::size_t i = 0; i < keys; ++i) {
      secrets.push_back(crypto::random_secret(random, kDataKeyBytes));
      builder.add(key("KEY" + std::to_string(i), secrets.back()), secrets.back());
    }
    return builder.finish(signing);
  }
  Bytes file_of(std::size_t keys) { return file_of(keys, static_cast<std::uint32_t>(keys)); }

  // As an import opens it.
  Result<SharedContent> open(ByteView file) {
    const auto signed_file = TRY(read_file(file));
    const auto opened = TRY(crypto::open_as_recipient(signed_file.header.envelope, sealing));
    if (opened.size() != crypto::kAesKeyBytes) return fail(ErrorCode::kCorrupt, "a key of another length");
    return open_content(signed_file, opened);
  }

  crypto::SystemRandom random;
  const crypto::PrivateKey signing = crypto::PrivateKey::generate_p256();
  crypto::Certificate identity;
  const crypto::PrivateKey& sealing = testing::shared_rsa(0);
  const crypto::Certificate recipient = testing::rsa_certificate(sealing, "recipient");
  const crypto::SecretBytes file_key = crypto::random_secret(random, 32);
  std::vector<crypto::SecretBytes> secrets;
};

TEST_F(SharedFile, K18_WhatWentInComesOut) {
  // Enough for several chunks.
  const auto opened = open(file_of(1000));
  ASSERT_TRUE(opened) << opened.error().text();
  ASSERT_EQ(opened->keys.size(), 1000U);
  backup::SecretSealer opener(opened->secrets);
  for (std::size_t i = 0; i < opened->keys.size(); ++i) {
    const SharedKey& came = opened->keys[i];
    EXPECT_EQ(came.alias, "KEY" + std::to_string(i));
    EXPECT_EQ(came.state, KeyState::kDeactivated);
    EXPECT_EQ(came.times.deactivated, from_millis(1'660'000'000'000));
    EXPECT_EQ(came.group, "DAILY");
    const auto secret = opener.open(box_place(came), came.box);
    ASSERT_TRUE(secret);
    EXPECT_TRUE(*secret == secrets[i]);
  }
}

TEST_F(SharedFile, K18_NoKeyStandsInTheFileInClear) {
  const Bytes file = file_of(3);
  const std::string text(as_text(file));
  for (const auto& secret : secrets) EXPECT_EQ(text.find(as_text(secret.reveal())), std::string::npos);
  EXPECT_EQ(text.find("KEY0"), std::string::npos) << "aliases are sealed, too";
}

TEST_F(SharedFile, K18_EachFlippedByteIsRefused) {
  Bytes file = file_of(2);
  ASSERT_TRUE(open(file));
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const std::uint8_t bit : {std::uint8_t{0x01}, std::uint8_t{0x80}}) {
      file[at] = static_cast<std::uint8_t>(file[at] ^ bit);
      EXPECT_FALSE(read_file(file)) << "byte " << at;
      file[at] = static_cast<std::uint8_t>(file[at] ^ bit);
    }
  }
  EXPECT_TRUE(open(file));
}

TEST_F(SharedFile, K18_EachLengthButTheWholeIsRefused) {
  const Bytes file = file_of(2);
  for (std::size_t length = 0; length < file.size(); ++length) {
    const auto read = read_file(ByteView(file).first(length));
    ASSERT_FALSE(read) << length;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  }
  Bytes longer = file;
  longer.push_back(0);
  EXPECT_FALSE(read_file(longer));
}

// A signer who signs what he changed: the tags alone refuse each byte of the chunks.
TEST_F(SharedFile, K18_EachFlippedByteOfAChunkIsRefusedByItsTag) {
  const Bytes file = file_of(2);
  const auto whole = read_file(file);
  ASSERT_TRUE(whole);
  Bytes chunks = to_bytes(whole->chunks);
  SignedFile changed = *whole;
  changed.chunks = chunks;
  ASSERT_TRUE(open_content(changed, file_key));
  // The frame's length is read first; what follows is the sealed content and its tag.
  for (std::size_t at = 4; at < chunks.size(); ++at) {
    chunks[at] ^= 1;
    const auto opened = open_content(changed, file_key);
    ASSERT_FALSE(opened) << at;
    EXPECT_EQ(opened.error().code, ErrorCode::kWrongKey);
    chunks[at] ^= 1;
  }
}

TEST_F(SharedFile, K18_AnotherFileKeyAndAnotherRecipientOpenNothing) {
  const Bytes file = file_of(1);
  const auto whole = read_file(file);
  ASSERT_TRUE(whole);
  EXPECT_EQ(open_content(*whole, crypto::random_secret(random, 32)).error().code, ErrorCode::kWrongKey);
  const auto other = crypto::open_as_recipient(whole->header.envelope, testing::shared_rsa(1));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kWrongKey);
}

TEST_F(SharedFile, K18_ASenderWhoLiesAboutTheNumberIsRefused) {
  for (const std::uint32_t said : {1U, 3U}) {
    const auto opened = open(file_of(2, said));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().field, "keys");
  }
  EXPECT_EQ(read_file(file_of(1, 0)).error().field, "keys");
}

TEST_F(SharedFile, K18_RecordsThatNobodyShouldWriteAreRefused) {
  const auto secret = crypto::random_secret(random, kDataKeyBytes);
  SharedKey good = key("KEY1", secret);
  good.box = Bytes(60, 1);
  const auto records = [](const SharedKey& of) {
    ByteWriter out;
    out.u8(1).bytes32(encode_key(of));
    ByteWriter end;
    end.u32(1);
    out.u8(2).bytes32(end.view());
    return out.take();
  };
  ASSERT_TRUE(read_records(records(good), 1));
  SharedKey bad = good;
  bad.alias = "key1";  // not as the keystore writes it
  EXPECT_FALSE(read_records(records(bad), 1));
  bad = good;
  bad.state = KeyState::kDestroyed;
  EXPECT_EQ(read_records(records(bad), 1).error().field, "state");
  bad = good;
  bad.box.pop_back();
  EXPECT_EQ(read_records(records(bad), 1).error().field, "box");
  bad = good;
  bad.group = "two\nlines";
  EXPECT_EQ(read_records(records(bad), 1).error().field, "group");
  Bytes more = records(good);
  more.push_back(0);
  EXPECT_FALSE(read_records(more, 1));
  EXPECT_FALSE(read_records(ByteView(more).first(10), 1));
}

TEST_F(SharedFile, K18_AnotherFileIsToldApart) {
  EXPECT_NE(read_file(as_bytes("TWBACKUP…")).error().message.find("no file of shared keys"),
            std::string::npos);
  Bytes newer = file_of(1);
  newer[9] = 2;
  EXPECT_EQ(read_file(newer).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(read_file({}).error().code, ErrorCode::kCorrupt);
}

TEST(Fingerprint, K18_IsReadOutInGroupsAndTypedAsPeopleType) {
  Hash256 hash{};
  for (std::size_t i = 0; i < hash.size(); ++i) hash[i] = static_cast<std::uint8_t>(i * 9);
  const std::string said = spoken(hash);
  EXPECT_EQ(said, "0009 121b 242d 363f 4851 5a63 6c75 7e87");
  EXPECT_TRUE(check_spoken(said, hash));
  EXPECT_TRUE(check_spoken("0009:121B-242d 363f48515A636c757e87", hash));
  EXPECT_TRUE(check_spoken(to_hex(hash), hash));
  EXPECT_EQ(check_spoken("0009 121b 242d 363f 4851 5a63 6c75 7e88", hash).error().code, ErrorCode::kConflict);
  for (const auto* wrong : {"", "yes", "0009 121b", "0009 121b 242d 363f 4851 5a63 6c75 7e87 00", "zz"}) {
    EXPECT_EQ(check_spoken(wrong, hash).error().code, ErrorCode::kInvalidArgument) << wrong;
  }
}

}  // namespace
}  // namespace tapewarden::keymgr::sharing
