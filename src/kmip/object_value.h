// The managed objects as messages carry them (Specification 1.4 section 2.2, 2.1 section 2), taken apart for
// keeping: what is secret of an object, and the rest. The Key Value of a key and the Opaque Data Value are
// secret; certificates, certificate requests and templates hold nothing that is. Pure; thread-safe.
//
// All errors are refusals (protocol.h) that name the field.
#pragma once

#include <optional>

#include "crypto/secret_bytes.h"
#include "kmip/enumerations.h"
#include "kmip/protocol.h"
#include "ttlv/item.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip {

struct ObjectValue {
  Bytes content;               // the object's structure, encoded, without what is secret
  crypto::SecretBytes secret;  // the item that is, encoded; empty: there is none
};

// The tag of an object's structure: kSymmetricKey and so on. Nothing: no such type.
std::optional<ttlv::Tag> tag_of_object(std::uint32_t type);

// Checks the structure field by field. Attributes that stand within a Key Value are left out: those of the
// request count. Wrapped keys stay as they are.
Result<ObjectValue> read_object(ObjectType type, const ttlv::Item& object);
// The contrary: the structure with the secret in its place.
void write_object(ttlv::Writer& out, ByteView content, ByteView secret);

// A key in the form in which it leaves.
struct KeyForm {
  KeyFormatType format = KeyFormatType::kRaw;
  ByteView key_value;      // the encoded Key Value
  ByteView wrapping_data;  // the encoded Key Wrapping Data; empty: it is not wrapped
};
// As write_object(), with another Key Format Type, Key Value and Key Wrapping Data than were registered.
void write_key(ttlv::Writer& out, ByteView content, const KeyForm& form);

// What a Key Block says beside its Key Value.
struct KeyBlockTerms {
  KeyFormatType format = KeyFormatType::kRaw;
  std::optional<std::uint32_t> algorithm;
  std::optional<std::int32_t> bits;
  bool wrapped = false;
};
// REQUIRES: content of an object of that type, from read_object(). Nothing: it has no Key Block.
std::optional<KeyBlockTerms> key_block_terms(const ttlv::Item& object);

// A Key Value with that Key Material: bytes, or a structure as it was registered.
crypto::SecretBytes key_value_of_bytes(ByteView material);
crypto::SecretBytes key_value_of_item(ByteView material_item);

}  // namespace tapewarden::kmip
