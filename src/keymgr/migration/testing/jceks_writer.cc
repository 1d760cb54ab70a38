#include "keymgr/migration/testing/jceks_writer.h"

#include "crypto/testing/java_protect.h"

namespace tapewarden::keymgr::testing {
namespace {

constexpr std::uint64_t kCreated = 1'171'984'687'000;  // 2007-02-20

class Serialised {
 public:
  Serialised() { out_.u16(0xACED).u16(5); }
  Serialised& tag(std::uint8_t value) {
    out_.u8(value);
    return *this;
  }
  Serialised& name(std::string_view text) {
    out_.bytes16(as_bytes(text));
    return *this;
  }
  Serialised& string(std::string_view text) { return tag(0x74).name(text); }
  Serialised& reference(std::uint32_t number) {
    tag(0x71);
    out_.u32(0x7E0000 + number);
    return *this;
  }
  Serialised& class_of(std::string_view class_name, std::uint64_t serial_version, std::uint16_t fields) {
    tag(0x72).name(class_name);
    out_.u64(serial_version).u8(2).u16(fields);
    return *this;
  }
  Serialised& end_of_class() { return tag(0x78); }
  Serialised& null() { return tag(0x70); }
  Serialised& byte_array_class() { return class_of("[B", 0xACF317F8060854E0, 0).end_of_class().null(); }
  Serialised& content(ByteView bytes) {
    out_.bytes32(bytes);
    return *this;
  }
  Bytes take() { return out_.take(); }

 private:
  ByteWriter out_;
};

}  // namespace

Bytes secret_key_spec(std::string_view algorithm, ByteView key) {
  Serialised out;
  out.tag(0x73).class_of("javax.crypto.spec.SecretKeySpec", 0x5B470B66E230614D, 2);
  out.tag('L').name("algorithm").string("Ljava/lang/String;");
  out.tag('[').name("key").string("[B").end_of_class().null();
  out.string(algorithm).tag(0x75).byte_array_class().content(key);
  return out.take();
}

Bytes key_rep(std::string_view algorithm, ByteView key) {
  Serialised out;
  out.tag(0x73).class_of("java.security.KeyRep", 0xBDF94FB3889AA543, 4);  // 0
  out.tag('L').name("algorithm").string("Ljava/lang/String;");            // 1
  out.tag('[').name("encoded").string("[B");                              // 2
  out.tag('L').name("format").reference(1);
  out.tag('L').name("type").string("Ljava/security/KeyRep$Type;").end_of_class().null();  // 3
  out.string(algorithm);                                                     // 5, after the object
  out.tag(0x75).byte_array_class().content(key);                             // 6, 7
  out.string("RAW");                                                         // 8
  out.tag(0x7E).class_of("java.security.KeyRep$Type", 0, 0).end_of_class();  // 9
  out.class_of("java.lang.Enum", 0, 0).end_of_class().null();                // 10
  out.string("SECRET");
  return out.take();
}

void JceksWriter::begin(std::uint32_t tag, std::string_view alias) {
  ++count_;
  entries_.u32(tag).bytes16(as_bytes(alias)).u64(kCreated);
}

void JceksWriter::add_certificate(const crypto::Certificate& certificate) {
  if (version == 2) entries_.bytes16(as_bytes("X.509"));
  entries_.bytes32(certificate.der());
}

JceksWriter& JceksWriter::sealed(std::string_view alias, ByteView plain) {
  constexpr std::string_view kAlgorithm = "PBEWithMD5AndTripleDES";
  Serialised out;
  out.tag(0x73).class_of(sealed_class, 0xCD57CA59E730BB53, 0).end_of_class();  // 0
  out.class_of("javax.crypto.SealedObject", 0x3E363DA6C3B75470, 4);            // 1
  out.tag('[').name("encodedParams").string("[B");                             // 2
  out.tag('[').name("encryptedContent").reference(2);
  out.tag('L').name("paramsAlg").string("Ljava/lang/String;");  // 3
  out.tag('L').name("sealAlg").reference(3).end_of_class().null();
  out.tag(0x75).byte_array_class().content(crypto::testing::java_pbe_der(parameters));  // 4, 5, 6
  out.tag(0x75).reference(5).content(crypto::testing::java_protect(key_password, parameters, plain));
  out.string(kAlgorithm).string(kAlgorithm);
  return raw(3, alias, out.take());
}

JceksWriter& JceksWriter::pair(std::string_view alias, const crypto::PrivateKey& key,
                               const crypto::Certificate& certificate) {
  begin(1, alias);
  const auto pkcs8 = key.pkcs8();
  entries_.bytes32(crypto::testing::java_protected_key(key_password, parameters, pkcs8.reveal()));
  entries_.u32(1);
  add_certificate(certificate);
  return *this;
}

JceksWriter& JceksWriter::certificate(std::string_view alias, const crypto::Certificate& certificate) {
  begin(2, alias);
  add_certificate(certificate);
  return *this;
}

JceksWriter& JceksWriter::raw(std::uint32_t tag, std::string_view alias, ByteView rest) {
  begin(tag, alias);
  entries_.bytes(rest);
  return *this;
}

Bytes JceksWriter::file(std::optional<std::uint32_t> count) const {
  ByteWriter out;
  out.u32(0xCECECECE).u32(version).u32(count.value_or(count_)).bytes(entries_.view());
  const auto digest =
      crypto::java_keystore_digest(crypto::SecretBytes::copy_of(as_bytes(password)), out.view());
  return out.bytes(digest).take();
}

}  // namespace tapewarden::keymgr::testing
