// Field codecs that more than one message of the drive key exchange needs. Internal to dkx/.
#pragma once

#include <optional>
#include <string>

#include "dkx/types.h"

namespace tapewarden::dkx {

// Printable ASCII of `low` to `high` characters: nothing from outside may forge a line of a log.
Result<std::string> read_printable(ttlv::Cursor& in, ttlv::Tag tag, std::size_t low, std::size_t high);
Result<std::optional<std::string>> read_optional_printable(ttlv::Cursor& in, ttlv::Tag tag,
                                                           std::size_t limit);
// Text cut to `limit` bytes and made printable: what a server says about an error must not fail to encode.
std::string printable(std::string_view text, std::size_t limit);

// At least one byte.
Result<Bytes> read_filled_bytes(ttlv::Cursor& in, ttlv::Tag tag, std::size_t limit);

void write_version(ttlv::Writer& out, ttlv::Tag tag, Version version);
Result<Version> read_version(ttlv::Cursor& in, ttlv::Tag tag);

void write_next_nonce(ttlv::Writer& out, const std::optional<Nonce>& nonce);
Result<std::optional<Nonce>> read_next_nonce(ttlv::Cursor& in);

}  // namespace tapewarden::dkx
