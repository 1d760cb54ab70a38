// Between the wire's words and the key server's. Pure, but for a memory of enrolments whose
// signature was good. Thread-safe.
#pragma once

#include <span>

#include "dkx/check_labels.h"
#include "dkx/key_answer.h"
#include "dkx/key_request.h"
#include "dkx/refusal.h"
#include "keymgr/key_request.h"

namespace tapewarden::dkx {

// `identity` is the drive's certificate when it signed; empty when a proxy did. kInvalidArgument naming the
// field.
Result<keymgr::KeyRequest> to_key_request(const KeyRequest& request, const crypto::Certificate& identity);
KeyAnswer to_wire(const keymgr::KeyAnswer& answer);
// `statuses`: of the labels in the order asked, then from `first_group` on of the groups. A single alias is
// not looked up: it is answered as unknown.
CheckLabelsAnswer to_wire(const CheckLabelsRequest& asked, std::span<const keymgr::NameStatus> statuses,
                          std::size_t first_group);
// Why an error of the key server may pass: read from its EKM code and ErrorCode.
RetryReason retry_reason(const Error& error);

}  // namespace tapewarden::dkx
