#include <gtest/gtest.h>

#include "tape/transport/iscsi_transport.h"

namespace tapewarden::tape {
namespace {

TEST(IscsiUrl, D3_PartsOfAUrl) {
  const auto url =
      parse_iscsi_url("iscsi://ada@vtl.example.org:3261/iqn.2026-01.org.example:library/2").value();
  EXPECT_EQ(url.user, "ada");
  EXPECT_EQ(url.portal(), "vtl.example.org:3261");
  EXPECT_EQ(url.target, "iqn.2026-01.org.example:library");
  EXPECT_EQ(url.lun, 2U);
  EXPECT_EQ(parse_iscsi_url("iscsi://10.0.0.1/iqn.a:b/0").value().portal(), "10.0.0.1:3260");
  EXPECT_EQ(parse_iscsi_url("iscsi://[::1]/iqn.a:b/0").value().portal(), "[::1]:3260");
  EXPECT_EQ(parse_iscsi_url("iscsi://[fe80::1]:99/eui.02004567A425678D/16383").value().portal(),
            "[fe80::1]:99");
}

TEST(IscsiUrl, D3_WrongUrlsAreRefused) {
  for (const auto* text : {"",
                           "iscsi://",
                           "iscsi://host",
                           "iscsi://host/iqn.a:b",
                           "iscsi:///iqn.a:b/0",
                           "iscsi://host/disk/0",
                           "iscsi://host/iqn.a:b/",
                           "iscsi://host/iqn.a:b/x",
                           "iscsi://host/iqn.a:b/16384",
                           "iscsi://host/iqn.a:b/-1",
                           "iscsi://host:0/iqn.a:b/0",
                           "iscsi://host:65536/iqn.a:b/0",
                           "iscsi://host:/iqn.a:b/0",
                           "iscsi://[::1/iqn.a:b/0",
                           "iscsi://[]/iqn.a:b/0",
                           "iscsi://[::1]3260/iqn.a:b/0",
                           "iscsi://@host/iqn.a:b/0",
                           "iscsi://host/iqn.a b/0",
                           "iscsi://host/iqn.a/b/0",
                           "http://host/iqn.a:b/0"})
    EXPECT_EQ(parse_iscsi_url(text).error().code, ErrorCode::kInvalidArgument) << text;
  EXPECT_FALSE(parse_iscsi_url("iscsi://host/iqn." + std::string(230, 'a') + "/0").has_value());
}

TEST(IscsiUrl, D3_APasswordInAUrlIsRefusedAndNotRepeated) {
  for (const auto* text : {"iscsi://ada%sesame@host/iqn.a:b/0", "iscsi://ada:sesame@host/iqn.a:b/0"}) {
    const auto refused = parse_iscsi_url(text).error();
    EXPECT_EQ(refused.code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.text().find("sesame"), std::string::npos);
  }
}

TEST(IscsiTransport, D3_NobodyListeningIsTold) {
  IscsiLogin login;
  login.connect_timeout = std::chrono::seconds(5);
  const auto url = parse_iscsi_url("iscsi://127.0.0.1:1/iqn.a:b/0").value();
  EXPECT_EQ(IscsiTransport::open(url, login).error().code, ErrorCode::kUnavailable);
}

TEST(IscsiTransport, D3_AUserNeedsAPassword) {
  const auto url = parse_iscsi_url("iscsi://ada@127.0.0.1:1/iqn.a:b/0").value();
  const auto refused = IscsiTransport::open(url, {}).error();
  EXPECT_EQ(refused.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.field, "password");
}

}  // namespace
}  // namespace tapewarden::tape
