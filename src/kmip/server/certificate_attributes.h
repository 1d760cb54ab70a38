// The attributes that follow from a certificate (Specification 1.4 sections 3.8 to 3.17, 2.1 sections 4.8 to
// 4.13). Pure; thread-safe.
#pragma once

#include "kmip/attributes.h"

namespace tapewarden::kmip {

// Sets them, of all versions. Refusal: the value is no X.509 certificate.
Status add_certificate_attributes(AttributeSet& attributes, ByteView certificate);

}  // namespace tapewarden::kmip
