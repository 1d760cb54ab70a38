// The enumerations of KMIP as types: Operation::kCreate and so on, with the values of enumeration_list.inc.
// What arrives may be none of them: whoever decodes asks value_name() (names.h) or compares. Bit masks are
// among them, as the values of their bits.
#pragma once

#include <cstdint>

namespace tapewarden::kmip {

#define TW_KMIP_ENUMERATION_BEGIN(name) enum class name : std::uint32_t {
#define TW_KMIP_VALUE(name, value) k##name = (value),
#define TW_KMIP_ENUMERATION_END(name) \
  }                                   \
  ;
#include "kmip/enumeration_list.inc"
#undef TW_KMIP_ENUMERATION_BEGIN
#undef TW_KMIP_VALUE
#undef TW_KMIP_ENUMERATION_END

}  // namespace tapewarden::kmip
