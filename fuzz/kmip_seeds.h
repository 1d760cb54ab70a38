// Messages for the corpus of kmip_request_fuzz.cc: batches of the tape library profile as 1.x and as 2.x
// write them, from a registered client and from a stranger, with the byte in front that says which. Pure.
#pragma once

#include <vector>

#include "base/bytes.h"

std::vector<tapewarden::Bytes> kmip_seeds();
