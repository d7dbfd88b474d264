"""Nothing but what the root's conftest guards; the helpers of these tests are in ``engine_rig``."""
