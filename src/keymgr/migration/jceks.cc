#include "keymgr/migration/jceks.h"

#include "base/text.h"
#include "crypto/java_key_protector.h"
#include "keymgr/data_keys.h"
#include "keymgr/migration/java_object.h"

namespace tapewarden::keymgr {
namespace {

using crypto::SecretBytes;

constexpr std::uint32_t kPrivateKeyTag = 1;
constexpr std::uint32_t kCertificateTag = 2;
constexpr std::uint32_t kSecretKeyTag = 3;
constexpr std::string_view kSealAlgorithm = "PBEWithMD5AndTripleDES";
constexpr std::string_view kCertificateType = "X.509";
// A secret key's object has two byte arrays of the entry's own, and some names.
constexpr std::size_t kSmallestEntry = 4 + 2 + 8;

// One entry as it lies in the file. Views into it.
struct RawEntry {
  std::uint32_t tag = 0;
  std::string_view alias;
  std::uint64_t created_ms = 0;
  ByteView protected_key;            // of a private key: EncryptedPrivateKeyInfo
  ByteView certificate;              // the first of the chain; empty: there is none
  std::optional<JavaObject> sealed;  // of a secret key
};

Result<ByteView> read_certificate(ByteReader& in, std::uint32_t version) {
  // Version 1 knew X.509 alone and did not say so.
  if (version == 2 && as_text(TRY(in.bytes16(64, "certificate type"))) != kCertificateType)
    return fail(ErrorCode::kUnsupported, "the keystore holds a certificate that is not X.509", "keystore");
  return in.bytes32(kMaximumEntryBytes, "certificate");
}

Result<RawEntry> read_entry(ByteReader& in, ByteView content, std::uint32_t version) {
  RawEntry entry;
  entry.tag = TRY(in.u32("entry tag"));
  entry.alias = as_text(TRY(in.bytes16(kMaximumAliasBytes, "alias")));
  entry.created_ms = TRY(in.u64("creation time"));
  if (entry.tag == kPrivateKeyTag) {
    entry.protected_key = TRY(in.bytes32(kMaximumEntryBytes, "protected key"));
    const std::uint32_t chain = TRY(in.u32("length of the chain"));
    if (chain > kMaximumChain)
      return fail(ErrorCode::kExhausted, "a certificate chain in the keystore is too long", "keystore");
    for (std::uint32_t i = 0; i < chain; ++i) {
      const auto certificate = TRY(read_certificate(in, version));
      if (i == 0) entry.certificate = certificate;
    }
  } else if (entry.tag == kCertificateTag) {
    entry.certificate = TRY(read_certificate(in, version));
  } else if (entry.tag == kSecretKeyTag) {
    entry.sealed = TRY(read_java_object(content.subspan(in.position())));
    TRY(in.skip(entry.sealed->length, "sealed key"));
  } else {
    return fail(ErrorCode::kInvalidArgument, "the keystore has an entry of an unknown kind", "keystore");
  }
  return entry;
}

struct RawStore {
  ByteView content;  // what the digest is over
  ByteView digest;
  std::vector<RawEntry> entries;
};

Result<RawStore> read_structure(ByteView file) {
  if (file.size() < crypto::kJavaDigestBytes)
    return fail(ErrorCode::kCorrupt, "the keystore ends too early", "keystore");
  RawStore store;
  store.content = file.first(file.size() - crypto::kJavaDigestBytes);
  store.digest = file.last(crypto::kJavaDigestBytes);
  ByteReader in(store.content);
  (void)TRY(in.u32("magic"));
  const std::uint32_t version = TRY(in.u32("version"));
  if (version != 1 && version != 2)
    return fail(ErrorCode::kUnsupported, "the keystore has an unknown version", "keystore");
  const std::uint32_t count = TRY(in.u32("number of entries"));
  if (count > kMaximumKeystoreEntries)
    return fail(
        ErrorCode::kExhausted,
        "the keystore says that it has more than " + std::to_string(kMaximumKeystoreEntries) + " entries",
        "keystore", "import it in parts: copy some entries with keytool -importkeystore -srcalias");
  if (count > in.remaining() / kSmallestEntry)
    return fail(ErrorCode::kCorrupt, "the keystore ends too early", "keystore");
  for (std::uint32_t i = 0; i < count; ++i)
    store.entries.push_back(TRY(read_entry(in, store.content, version)));
  TRY(in.expect_done("keystore"));
  return store;
}

// The 32 bytes out of what a sealed object holds: a SecretKeySpec ("algorithm", "key") or a KeyRep
// ("algorithm", "encoded").
Result<SecretBytes> data_key_of(const SecretBytes& plain) {
  const auto object = TRY(read_java_object(plain.reveal()));
  auto bytes = object.bytes("key");
  if (!bytes) bytes = object.bytes("encoded");
  if (!bytes) return fail(ErrorCode::kUnsupported, "its key is of a kind that is not read");
  const auto algorithm = object.text("algorithm").value_or("");
  if (!equal_ignoring_case(algorithm, "AES")) {
    return fail(ErrorCode::kUnsupported,
                "a key for " + escape_unprintable(algorithm.substr(0, 32)) + ", not for AES");
  }
  if (bytes->size() != kDataKeyBytes) {
    return fail(ErrorCode::kUnsupported,
                "an AES key of " + std::to_string(8 * bytes->size()) + " bits: LTO drives take 256");
  }
  return SecretBytes::copy_of(*bytes);
}

// How the entry's key is protected.
struct Protection {
  crypto::JavaPbeParameters parameters;
  ByteView encrypted;
};
Result<Protection> protection_of(const RawEntry& raw) {
  if (raw.tag == kPrivateKeyTag) {
    const auto key = TRY(crypto::parse_java_protected_key(raw.protected_key));
    return Protection{key.parameters, key.encrypted};
  }
  const auto parameters = raw.sealed->bytes("encodedParams");
  const auto content = raw.sealed->bytes("encryptedContent");
  if (!parameters || !content || raw.sealed->text("sealAlg") != kSealAlgorithm)
    return fail(ErrorCode::kUnsupported, "its key is sealed in a way that is not read");
  return Protection{TRY(crypto::parse_java_pbe_parameters(*parameters)), *content};
}

// Before any of it is done; each key may have to be tried with each password.
Status check_work(const std::vector<RawEntry>& entries, std::uint64_t passwords) {
  std::uint64_t wanted = 0;
  for (const RawEntry& entry : entries) {
    if (entry.tag == kCertificateTag) continue;
    const auto protection = protection_of(entry);
    if (protection) wanted += passwords * protection->parameters.iterations;
  }
  if (wanted <= kMaximumKeystoreIterations) return {};
  return fail(ErrorCode::kExhausted, "the keystore asks for more work than is allowed", "keystore",
              "copy it with keytool -J-Djdk.jceks.iterationCount=10000 -importkeystore, or in parts");
}

Status open_private_key(const RawEntry& raw, const SecretBytes& pkcs8, OldKeystoreEntry& entry) {
  if (raw.certificate.empty()) return fail(ErrorCode::kUnsupported, "a private key without a certificate");
  entry.certificate = TRY(crypto::Certificate::from_der(raw.certificate));
  auto key = TRY(crypto::PrivateKey::from_pkcs8(pkcs8));
  if (!key.fits_together())
    return fail(ErrorCode::kInvalidArgument, "the halves of its private key do not fit together");
  entry.key = std::move(key);
  return {};
}

Status open_entry(const RawEntry& raw, const SecretBytes& password, OldKeystoreEntry& entry) {
  if (raw.tag == kCertificateTag) {
    entry.certificate = TRY(crypto::Certificate::from_der(raw.certificate));
    return {};
  }
  const auto protection = TRY(protection_of(raw));
  const auto plain = TRY(crypto::open_java_protected(password, protection.parameters, protection.encrypted));
  if (raw.tag == kPrivateKeyTag) return open_private_key(raw, plain, entry);
  entry.data_key = TRY(data_key_of(plain));
  return {};
}

EntryKind kind_of(std::uint32_t tag) {
  return tag == kSecretKeyTag    ? EntryKind::kSecretKey
         : tag == kPrivateKeyTag ? EntryKind::kPrivateKey
                                 : EntryKind::kCertificate;
}

// Of the keystore, and that of its keys when one was given.
using Passwords = std::vector<const SecretBytes*>;

// With the first password that opens it. What another error than that of the password says is worth more,
// since the key was opened then.
Status open_with_any(const RawEntry& raw, const Passwords& passwords, OldKeystoreEntry& entry) {
  Status result;
  for (const SecretBytes* password : passwords) {
    Status opened = open_entry(raw, *password, entry);
    if (opened) return opened;
    if (result || opened.error().code != ErrorCode::kWrongKey) result = std::move(opened);
  }
  return result;
}

std::string fault_of(const Error& error, const Passwords& passwords) {
  if (error.code != ErrorCode::kWrongKey) return error.message;
  return passwords.size() > 1
             ? "neither the keystore's password nor that of its keys (--key-password-file) opens its key"
             : "its key has a password of its own: give it too (--key-password-file)";
}

// The largest time that a WallTime holds in milliseconds is far beyond any real one; a wild value is none.
WallTime time_of(std::uint64_t milliseconds) {
  constexpr std::uint64_t kYear2200 = 7'258'118'400'000;
  return milliseconds < kYear2200 ? from_millis(static_cast<std::int64_t>(milliseconds)) : WallTime{};
}

}  // namespace

Result<OldKeystore> read_jceks(ByteView file, const SecretBytes& password, const SecretBytes* key_password) {
  TRY(crypto::check_java_password(password));
  Passwords passwords{&password};
  if (key_password != nullptr) {
    TRY(crypto::check_java_password(*key_password));
    passwords.push_back(key_password);
  }
  auto store = read_structure(file);
  if (!store && store.error().code == ErrorCode::kCorrupt) {
    return fail(ErrorCode::kCorrupt, "the keystore is cut short or damaged: " + store.error().message,
                "keystore", "copy the file again from the old server, in binary");
  }
  if (!store) {
    Error error = store.error();
    if (error.remedy.empty()) error.remedy = "copy it with keytool -importkeystore -deststoretype JCEKS";
    return std::unexpected(std::move(error));
  }
  if (!crypto::equal_constant_time(crypto::java_keystore_digest(password, store->content), store->digest)) {
    return fail(ErrorCode::kWrongKey, "the password is not the keystore's, or the keystore was changed",
                "password", "check with: keytool -list -storetype JCEKS -keystore FILE");
  }
  TRY(check_work(store->entries, passwords.size()));
  OldKeystore out{"JCEKS", {}};
  for (const RawEntry& raw : store->entries) {
    auto& entry = out.entries.emplace_back();
    entry.alias = escape_unprintable(raw.alias);
    entry.kind = kind_of(raw.tag);
    entry.created = time_of(raw.created_ms);
    const auto opened = open_with_any(raw, passwords, entry);
    if (!opened) entry.fault = fault_of(opened.error(), passwords);
  }
  return out;
}

}  // namespace tapewarden::keymgr
