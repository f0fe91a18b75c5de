"""What BulletDrop does: plain synchronous Python that never heard of HTTP; every use case is verb(site, …)."""
