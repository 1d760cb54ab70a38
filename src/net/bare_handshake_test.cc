#include "net/testing/bare_handshake.h"

#include <gtest/gtest.h>

#include "net/testing/test_site.h"

namespace tapewarden::net::testing {
namespace {

TEST(BareHandshakes, ShakesHandsAndRefusesStrangers) {
  TestSite site;
  TestSite elsewhere;
  const auto server = site.server_config();
  EXPECT_TRUE(BareHandshakes(server, site.client_config(site.client_leaf("client"))).shake());
  auto stranger = elsewhere.client_config(elsewhere.client_leaf("client"));
  stranger.authorities = server.authorities;
  EXPECT_FALSE(BareHandshakes(server, stranger).shake());

  const LoopbackDoor door;
  EXPECT_TRUE(BareHandshakes(server, site.client_config(site.client_leaf("client"))).shake_over(door));
  EXPECT_FALSE(BareHandshakes(server, stranger).shake_over(door));
}

}  // namespace
}  // namespace tapewarden::net::testing
