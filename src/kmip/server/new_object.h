// What the operations that make objects share: the attributes that a client gives a new object, and those
// that the server adds.
#pragma once

#include "kmip/attribute_wire.h"
#include "kmip/server/operation.h"

namespace tapewarden::kmip {

// An Export gives what a server sets, too: that is left out, and set here anew.
enum class GivenBy : std::uint8_t { kClient, kOtherServer };
// The attributes of the payload's Template-Attribute `tag_1` (1.x) or Attributes `tag_2` (2.x), and in 1.x
// those of the templates that it names, as far as it does not give them itself; an empty set when there are
// none. Refusals: attributes that a client may not give, or gives twice; a template that the client has not.
Result<AttributeSet> given_attributes(const OperationContext& context, const ttlv::Item& payload,
                                      ttlv::Tag tag_1, ttlv::Tag tag_2, GivenBy by = GivenBy::kClient);

enum class Origin : std::uint8_t { kGenerated, kBrought };
// Digest, formats, sensitivity and the like, of an object with that material, where the client gave none.
void add_server_attributes(AttributeSet& attributes, ByteView material, KeyFormatType format, Origin origin);

Bytes digest_item(ByteView material, KeyFormatType format);
// The bytes of a secret item (ObjectValue) over which the Digest goes.
Bytes digested_bytes(const ttlv::Item& secret);

// The object of a Register or Import, with everything that follows from it, and its secret (empty: none). It
// has no identifier yet.
Result<keymgr::ManagedObject> read_new_object(const OperationContext& context, const ttlv::Item& payload,
                                              GivenBy by, crypto::SecretBytes& secret);

// The fields of what draws keys here, OpenSSL's generator: CTR_DRBG with AES-256 (NIST SP 800-90A).
void add_generator(ttlv::Writer& out);

// A key that is drawn for this message, and does not lie ready, may be given out (keymgr/serve_policy.h):
// keys are served at once, or the peer takes it at once. kUnavailable otherwise.
Status check_may_draw(const OperationContext& context);

// For what takes long and was not drawn before the transaction. Server Limit Exceeded.
std::unexpected<Error> takes_long_within(std::string_view field);

// A date of a message, which may lie beyond what clocks and certificates can say: then the nearest that they
// can.
WallTime time_of(std::int64_t seconds);

// The state that Activation Date asks for.
keymgr::KeyState first_state(const AttributeSet& attributes, WallTime now);

}  // namespace tapewarden::kmip
