// Any body of a request or an answer. Dispatch by the tag of the outermost structure. Thread-safe.
#pragma once

#include <variant>

#include "dkx/check_labels.h"
#include "dkx/hello.h"
#include "dkx/key_answer.h"
#include "dkx/key_request.h"
#include "dkx/ping.h"
#include "dkx/refusal.h"

namespace tapewarden::dkx {

using RequestBody = std::variant<HelloRequest, PingRequest, CheckLabelsRequest, KeyRequest>;
using AnswerBody =
    std::variant<HelloAnswer, PingAnswer, CheckLabelsAnswer, KeyAnswer, ConfirmAnswer, Refusal>;

Bytes encode(const RequestBody& body);
Bytes encode(const AnswerBody& body);
// kInvalidArgument with EE23 in `detail`, naming the field.
Result<RequestBody> decode_request_body(ByteView body);
Result<AnswerBody> decode_answer_body(ByteView body);

Intent intent_of(const RequestBody& body);

}  // namespace tapewarden::dkx
