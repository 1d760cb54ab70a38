// K20: JCEKS keystores.
#include "keymgr/migration/jceks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "keymgr/data_keys.h"
#include "keymgr/migration/java_object.h"
#include "keymgr/migration/testing/jceks_writer.h"
#include "keymgr/migration/testing/keytool.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using ::testing::HasSubstr;

Bytes key_of(std::uint8_t byte) {
  return Bytes(kDataKeyBytes, byte);
}

Result<OldKeystore> open_with(ByteView file, std::string_view password = kStorePassword,
                              const char* key_password = nullptr) {
  const auto secret = [](std::string_view text) { return crypto::SecretBytes::copy_of(as_bytes(text)); };
  const auto of_keys = secret(key_password != nullptr ? key_password : "");
  return read_old_keystore(file, secret(password), key_password != nullptr ? &of_keys : nullptr);
}

const crypto::Certificate& certificate() {
  static const auto made = rsa_certificate(shared_rsa(0), "old kek");
  return made;
}

JceksWriter full_store() {
  JceksWriter store;
  store.data_key("aes00", key_of(1)).pair("cert1", shared_rsa(0), certificate());
  store.certificate("partner", certificate());
  return store;
}

const OldKeystoreEntry& named(const OldKeystore& store, std::string_view alias) {
  for (const auto& entry : store.entries) {
    if (equal_ignoring_case(entry.alias, alias)) return entry;
  }
  static const OldKeystoreEntry none;
  ADD_FAILURE() << "no entry " << alias;
  return none;
}

TEST(Jceks, K20_EveryKindOfEntryIsRead) {
  for (const std::uint32_t version : {1U, 2U}) {
    JceksWriter store;
    store.version = version;
    store.data_key("aes00", key_of(1)).pair("cert1", shared_rsa(0), certificate());
    store.certificate("partner", certificate());
    const auto read = open_with(store.file());
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->format, "JCEKS");
    ASSERT_EQ(read->entries.size(), 3U);
    for (const auto& entry : read->entries) EXPECT_EQ(entry.fault, "") << entry.alias;
    EXPECT_TRUE(equal(read->entries[0].data_key.reveal(), key_of(1)));
    EXPECT_EQ(format_utc(read->entries[0].created), "2007-02-20T15:18:07.000Z");
    EXPECT_EQ(read->entries[1].kind, EntryKind::kPrivateKey);
    EXPECT_EQ(read->entries[1].key->pkcs8(), shared_rsa(0).pkcs8());
    EXPECT_EQ(read->entries[1].certificate, certificate());
    EXPECT_EQ(read->entries[2].kind, EntryKind::kCertificate);
    EXPECT_FALSE(read->entries[2].key);
  }
}

TEST(Jceks, K20_OtherClassesOfKeysAreRead) {
  JceksWriter store;
  store.sealed_class = "com.ibm.crypto.provider.SealedObjectForKeyProtector";
  store.sealed("rep", key_rep("AES", key_of(2))).data_key("lower", key_of(3), "aes");
  const auto read = open_with(store.file());
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->entries[0].fault, "");
  EXPECT_TRUE(equal(read->entries[0].data_key.reveal(), key_of(2)));
  EXPECT_EQ(read->entries[1].fault, "");
}

TEST(Jceks, K20_KeysOfNoUseAreNamedAndSpoilNoOther) {
  JceksWriter store;
  store.data_key("des", Bytes(24, 1), "DESede").data_key("short", Bytes(16, 1));
  store.sealed("nonsense", as_bytes("no object")).data_key("good", key_of(4));
  const auto read = open_with(store.file());
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_THAT(named(*read, "des").fault, HasSubstr("DESede"));
  EXPECT_THAT(named(*read, "short").fault, HasSubstr("128 bits"));
  EXPECT_NE(named(*read, "nonsense").fault, "");
  EXPECT_EQ(named(*read, "good").fault, "");
  for (const auto& entry : read->entries) EXPECT_EQ(entry.data_key.empty(), !entry.fault.empty());
}

TEST(Jceks, K20_AWrongPasswordIsToldAsSuch) {
  const Bytes file = full_store().file();
  const auto read = open_with(file, "not the one");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kWrongKey);
  EXPECT_EQ(read.error().field, "password");
  EXPECT_EQ(open_with(file, "").error().field, "password");
  EXPECT_EQ(open_with(file, "p\xC3\xA4ssword").error().code, ErrorCode::kInvalidArgument);
}

TEST(Jceks, K20_KeysMayHaveAPasswordOfTheirOwn) {
  JceksWriter store;
  store.key_password = "another one";
  store.data_key("aes00", key_of(1)).pair("cert1", shared_rsa(0), certificate());
  EXPECT_EQ(open_with(store.file(), kStorePassword, "another one")->entries[0].fault, "");
  EXPECT_EQ(open_with(store.file(), kStorePassword, "another one")->entries[1].fault, "");
  const auto without = open_with(store.file());
  ASSERT_TRUE(without) << without.error().text();
  for (const auto& entry : without->entries) EXPECT_NE(entry.fault, "");
}

TEST(Jceks, K20_EachKeyIsTriedWithBothPasswords) {
  JceksWriter store;
  store.data_key("aes00", key_of(1)).pair("cert1", shared_rsa(0), certificate());
  store.key_password = "another one";
  store.data_key("aes01", key_of(2)).pair("cert2", shared_rsa(1), rsa_certificate(shared_rsa(1), "second"));
  store.key_password = "a third";
  store.data_key("aes02", key_of(3));
  const auto read = open_with(store.file(), kStorePassword, "another one");
  ASSERT_TRUE(read) << read.error().text();
  for (const char* alias : {"aes00", "cert1", "aes01", "cert2"})
    EXPECT_EQ(named(*read, alias).fault, "") << alias;
  EXPECT_THAT(named(*read, "aes02").fault, HasSubstr("neither"));
  EXPECT_THAT(named(*read, "aes02").fault, HasSubstr("--key-password-file"));
  const auto without = open_with(store.file());
  ASSERT_TRUE(without) << without.error().text();
  EXPECT_EQ(named(*without, "aes00").fault, "");
  EXPECT_THAT(named(*without, "aes01").fault, HasSubstr("--key-password-file"));
}

TEST(Jceks, K20_CutShortAnywhereItIsRefused) {
  const Bytes file = full_store().file();
  for (std::size_t size = 0; size < file.size(); size += 1 + size / 64) {
    const auto read = open_with(ByteView(file).first(size));
    ASSERT_FALSE(read) << size;
    EXPECT_FALSE(read.error().message.empty());
    EXPECT_TRUE(size < 64 || read.error().message.find("cut short or damaged") != std::string::npos) << size;
  }
}

TEST(Jceks, K20_AFlippedBitIsNeverTaken) {
  JceksWriter store;
  store.data_key("aes00", key_of(1));
  const Bytes file = store.file();
  for (std::size_t bit = 0; bit < 8 * file.size(); bit += 3) {
    Bytes bad = file;
    bad.at(bit / 8) ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(open_with(bad)) << bit;
  }
}

TEST(Jceks, K20_AbsurdNumbersCostNothing) {
  EXPECT_EQ(full_store().file(0xFFFFFFFF).size(), full_store().file().size());
  EXPECT_EQ(open_with(full_store().file(0xFFFFFFFF)).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(open_with(full_store().file(19'999)).error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(open_with(full_store().file(2))) << "an entry is left over";
  EXPECT_EQ(open_with(JceksWriter().raw(9, "x", Bytes(20)).file()).error().code, ErrorCode::kInvalidArgument);
  const Bytes huge_key = ByteWriter().u32(0x7FFFFFFF).take();
  EXPECT_FALSE(open_with(JceksWriter().raw(1, "x", huge_key).file()));
  const Bytes long_chain = ByteWriter().bytes32(Bytes(8)).u32(0xFFFFFFFF).take();
  EXPECT_EQ(open_with(JceksWriter().raw(1, "x", long_chain).file()).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(open_with(JceksWriter().file())->entries.size(), 0U) << "an empty store is one";
}

// A file whose entries ask for so many iterations, which the test does not spend.
Bytes asking_for(std::uint32_t iterations, int entries) {
  JceksWriter store;
  for (int i = 0; i < entries; ++i) store.data_key("aes" + std::to_string(i), key_of(1));
  Bytes file = store.file();
  const Bytes from = ByteWriter().u16(0x0204).u32(store.parameters.iterations).take();
  const Bytes to = ByteWriter().u16(0x0204).u32(iterations).take();
  for (auto rest = std::span(file);;) {
    const auto found = std::ranges::search(rest, from);
    if (found.empty()) break;
    copy_bytes(MutableByteView(found.begin(), found.end()), to);
    rest = std::span(found.end(), rest.end());
  }
  const ByteView content = ByteView(file).first(file.size() - crypto::kJavaDigestBytes);
  const auto digest =
      crypto::java_keystore_digest(crypto::SecretBytes::copy_of(as_bytes(kStorePassword)), content);
  return ByteWriter().bytes(content).bytes(digest).take();
}

TEST(Jceks, K20_WorkIsBounded) {
  const auto read = open_with(asking_for(crypto::kMaximumJavaIterations + 1, 1));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_THAT(read->entries[0].fault, HasSubstr("more work than is allowed"));
  const auto refused = open_with(asking_for(crypto::kMaximumJavaIterations, 41));
  ASSERT_FALSE(refused) << "told before any of it is done";
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(refused.error().remedy, HasSubstr("iterationCount"));
}

TEST(Jceks, K20_OtherFilesAreNamed) {
  EXPECT_THAT(open_with(ByteWriter().u32(kJksMagic).u32(2).u32(0).zeros(20).take()).error().message,
              HasSubstr("JKS"));
  EXPECT_EQ(open_with(as_bytes("text")).error().field, "keystore");
  EXPECT_EQ(open_with({}).error().field, "keystore");
  EXPECT_EQ(open_with(Bytes(kMaximumKeystoreBytes + 1)).error().code, ErrorCode::kExhausted);
  JceksWriter third;
  third.version = 3;
  EXPECT_EQ(open_with(third.file()).error().code, ErrorCode::kUnsupported);
}

TEST(JavaObject, K20_CutAnywhereItIsRefused) {
  for (const Bytes& good : {secret_key_spec("AES", key_of(1)), key_rep("AES", key_of(1))}) {
    const auto object = read_java_object(good);
    ASSERT_TRUE(object) << object.error().text();
    EXPECT_EQ(object->length, good.size());
    EXPECT_EQ(object->text("algorithm"), "AES");
    for (std::size_t size = 0; size < good.size(); ++size)
      EXPECT_FALSE(read_java_object(ByteView(good).first(size))) << size;
  }
  EXPECT_EQ(read_java_object(secret_key_spec("AES", key_of(1)))->class_name,
            "javax.crypto.spec.SecretKeySpec");
}

// The class A with these flags, so many fields, and what describes them and the superclass.
Bytes class_a(std::uint8_t flags, std::uint16_t fields, std::string_view rest_hex) {
  const auto rest = from_hex(rest_hex);
  EXPECT_TRUE(rest) << rest_hex;
  return ByteWriter().u8(0x72).bytes16(as_bytes("A")).zeros(8).u8(flags).u16(fields).bytes(*rest).take();
}

Bytes stream_of(const Bytes& after_object_tag) {
  return ByteWriter().u16(0xACED).u16(5).u8(0x73).bytes(after_object_tag).take();
}

TEST(JavaObject, K20_StreamsThatNoKeystoreHoldsAreRefused) {
  const auto code = [](const Bytes& stream) {
    const auto object = read_java_object(stream);
    return object ? ErrorCode::kInternal : object.error().code;
  };
  EXPECT_TRUE(read_java_object(stream_of(class_a(2, 0, "7870"))));
  EXPECT_EQ(code(ByteWriter().u16(0xACED).u16(5).u8(0x70).take()), ErrorCode::kInvalidArgument) << "null";
  EXPECT_EQ(code(stream_of(*from_hex("71007e0000"))), ErrorCode::kInvalidArgument) << "refers to nothing";
  EXPECT_EQ(code(stream_of(*from_hex("7d"))), ErrorCode::kUnsupported) << "a proxy";
  EXPECT_EQ(code(stream_of(class_a(4, 0, "7870"))), ErrorCode::kUnsupported) << "externalizable";
  EXPECT_EQ(code(stream_of(class_a(2, 0, "7871007e0000"))), ErrorCode::kInvalidArgument)
      << "its own superclass";
  EXPECT_EQ(code(stream_of(class_a(2, 0, "7778"))), ErrorCode::kInvalidArgument) << "an annotated class";
  EXPECT_EQ(code(stream_of(class_a(2, 0xFFFF, ""))), ErrorCode::kInvalidArgument) << "too many fields";
  // One field "x" of type A, whose value is an array of 2^31 bytes, or an array of other things.
  const std::string field = "4c000178740001417870";
  const std::string array = "757200025b42acf317f8060854e00200007870";
  EXPECT_EQ(code(stream_of(class_a(2, 1, field + array + "7fffffff"))), ErrorCode::kCorrupt);
  const std::string integers = "757200025b494dba602676eab2a50200007870";
  EXPECT_EQ(code(stream_of(class_a(2, 1, field + integers + "00000000"))), ErrorCode::kUnsupported);
}

TEST(JavaObject, K20_NestingIsBounded) {
  Bytes superclasses;
  Bytes objects = class_a(2, 1, "4c000178740001417870");
  for (int i = 0; i < 1000; ++i) {
    superclasses = ByteWriter().bytes(superclasses).bytes(class_a(2, 0, "78")).take();
    objects = ByteWriter().bytes(objects).bytes(*from_hex("7371007e0000")).take();
  }
  for (const Bytes& deep : {superclasses, objects}) {
    const auto object = read_java_object(stream_of(deep));
    ASSERT_FALSE(object);
    EXPECT_THAT(object.error().message, HasSubstr("nested too deep"));
  }
}

// What keytool itself writes.
class KeytoolStore : public ::testing::Test {
 protected:
  void SetUp() override {
    if (Keytool::program() == nullptr) GTEST_SKIP() << "keytool is not installed";
  }
};

TEST_F(KeytoolStore, K20_KeytoolsEntriesAreRead) {
  const Keytool tool{std::string(kStorePassword)};
  tool.data_key("AES00");
  tool.data_key("KMB000000000000000001");
  tool.data_key("small", "AES", 128);
  tool.data_key("old", "DESede", 168);
  tool.pair("cert1");
  tool.certificate("partner");
  const auto read = open_with(tool.file());
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->entries.size(), 6U);
  EXPECT_EQ(named(*read, "aes00").fault, "");
  EXPECT_EQ(named(*read, "aes00").data_key.size(), kDataKeyBytes);
  EXPECT_EQ(named(*read, "kmb000000000000000001").fault, "");
  EXPECT_THAT(named(*read, "small").fault, HasSubstr("128 bits"));
  EXPECT_THAT(named(*read, "old").fault, HasSubstr("DESede"));
  ASSERT_TRUE(named(*read, "cert1").key) << named(*read, "cert1").fault;
  EXPECT_EQ(named(*read, "cert1").certificate.common_name(), "cert1");
  EXPECT_EQ(named(*read, "partner").kind, EntryKind::kCertificate);
  EXPECT_EQ(open_with(tool.file(), "another").error().code, ErrorCode::kWrongKey);
}

// The same keys by another way: keytool turns the keystore into PKCS#12 itself.
TEST_F(KeytoolStore, K20_JceksAndPkcs12GiveTheSameKeys) {
  const Keytool tool{std::string(kStorePassword)};
  tool.data_key("AES00");
  tool.data_key("AES01");
  tool.pair("cert1");
  tool.pair("cert2", 3072);
  tool.certificate("partner");
  const auto jceks = open_with(tool.file());
  const Bytes copy = tool.as_pkcs12();
  const auto pkcs12 = open_with(copy);
  ASSERT_TRUE(jceks && pkcs12) << pkcs12.error().text();
  EXPECT_EQ(pkcs12->format, "PKCS#12");
  ASSERT_EQ(pkcs12->entries.size(), 5U);
  for (const auto& entry : jceks->entries) {
    const auto& same = named(*pkcs12, entry.alias);
    EXPECT_EQ(same.fault, "");
    EXPECT_EQ(same.kind, entry.kind) << entry.alias;
    EXPECT_EQ(same.data_key, entry.data_key);
    EXPECT_TRUE(entry.certificate.empty() || same.certificate == entry.certificate);
    ASSERT_EQ(same.key.has_value(), entry.key.has_value());
    EXPECT_TRUE(!entry.key || same.key->pkcs8() == entry.key->pkcs8());
  }
  EXPECT_EQ(open_with(copy, "another").error().code, ErrorCode::kWrongKey);
  EXPECT_EQ(open_with(copy, "another").error().field, "password");
  EXPECT_EQ(open_with(ByteView(copy).first(copy.size() / 2)).error().field, "keystore");
}

// The writer of the other tests makes what Java reads.
TEST_F(KeytoolStore, K20_KeytoolReadsWhatTheTestsWrite) {
  const Keytool tool{std::string(kStorePassword)};
  JceksWriter store;
  store.data_key("aes00", key_of(9)).pair("cert1", shared_rsa(0), certificate());
  store.certificate("partner", certificate());
  tool.put(store.file());
  EXPECT_THAT(tool.run({"-list"}), HasSubstr("3 entries"));
  const auto copied = open_with(tool.as_pkcs12());
  ASSERT_TRUE(copied) << copied.error().text();
  EXPECT_TRUE(equal(named(*copied, "aes00").data_key.reveal(), key_of(9)));
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
