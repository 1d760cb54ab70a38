// Whom a certificate shall name, as the attributes of a Certify ask for it: KMIP 2.x's Certificate Subject CN
// and the like (Specification 2.1 section 4.9), or 1.x's X.509 Certificate Subject (1.4 section 3.13).
#pragma once

#include "kmip/server/operation.h"

namespace tapewarden::kmip {

struct CertificateWish {
  Bytes subject;  // DER; empty: the attributes name nobody
  // The payload without what names the subject, to be read like any other.
  Bytes payload;
};
// Refusals: an attribute that is malformed, or a subject that is none.
Result<CertificateWish> read_certificate_wish(const OperationContext& context, const ttlv::Item& payload);

// Refusals: it bears a unit by which this site knows its own servers and engines.
Status check_subject(ByteView subject);

}  // namespace tapewarden::kmip
