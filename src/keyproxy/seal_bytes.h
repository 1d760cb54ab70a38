// How a cartridge holds a wrapped-key set: the EEDKs as they are, the server's seal as one opaque field
// (docs/formats/cartridge.md, "Key area"). Pure.
#pragma once

#include "eedk/eedk_set.h"
#include "tape/medium/key_info.h"

namespace tapewarden::keyproxy {

tape::KeyInfo to_key_info(const eedk::EedkSet& set);
// kInvalidArgument when what the cartridge holds does not decode, or holds no check value.
Result<eedk::EedkSet> to_eedk_set(const tape::KeyInfo& info, const Uuid& volume);

}  // namespace tapewarden::keyproxy
